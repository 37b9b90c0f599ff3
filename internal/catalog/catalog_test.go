package catalog_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"junctor/internal/catalog"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
)

func object(kind, code, body, author, origin string) catalog.Object {
	return catalog.Object{Kind: kind, Code: code, Body: json.RawMessage(body), Author: author, Origin: origin}
}

func write(t *testing.T, d *db.DB, f func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, d *db.DB, s *catalog.Store, o catalog.Object) catalog.Object {
	t.Helper()
	write(t, d, func(tx *db.Tx) (err error) { o, err = s.Put(tx, o); return err })
	return o
}

func revision(t *testing.T, d *db.DB, s *catalog.Store) (n int64) {
	t.Helper()
	if err := d.Read(t.Context(), func(tx *db.Tx) (err error) { n, err = s.Revision(tx); return err }); err != nil {
		t.Fatal(err)
	}
	return n
}

var ignoreTime = cmpopts.IgnoreFields(catalog.Object{}, "ChangedAt")

func TestVersionsAndHistory(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := catalog.New(d)
		first := put(t, d, s, object("channels", "shop", `{"a":1}`, "ann", catalog.Files))
		second := put(t, d, s, object("channels", "shop", `{"a":2}`, "bob", catalog.API))
		if first.Version != 1 || second.Version != 2 || second.Origin != catalog.Files {
			t.Fatalf("first %+v, second %+v: the origin is where it was made", first, second)
		}
		got, err := s.Get(t.Context(), "channels", "shop")
		if diff := cmp.Diff(second, got); diff != "" || err != nil {
			t.Fatal(err, diff)
		}
		if since := time.Since(got.ChangedAt); since < -time.Minute || since > time.Minute {
			t.Errorf("changed at %s", got.ChangedAt)
		}
		write(t, d, func(tx *db.Tx) error { return s.Delete(tx, "channels", "shop", "cid") })
		if _, err := s.Get(t.Context(), "channels", "shop"); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted, and Get says %v", err)
		}
		third := put(t, d, s, object("channels", "shop", `{"a":3}`, "ann", catalog.API))
		if third.Version != 4 || third.Origin != catalog.API {
			t.Errorf("after a deletion %+v: versions are never used twice, the origin is the new maker's", third)
		}
		history, err := s.History(t.Context(), "channels", "shop")
		want := []catalog.Object{
			{Kind: "channels", Code: "shop", Version: 4, Body: json.RawMessage(`{"a":3}`), Author: "ann", Origin: "api"},
			{Kind: "channels", Code: "shop", Version: 3, Author: "cid", Origin: "files"},
			{Kind: "channels", Code: "shop", Version: 2, Body: json.RawMessage(`{"a":2}`), Author: "bob", Origin: "files"},
			{Kind: "channels", Code: "shop", Version: 1, Body: json.RawMessage(`{"a":1}`), Author: "ann", Origin: "files"},
		}
		if diff := cmp.Diff(want, history, ignoreTime); diff != "" || err != nil {
			t.Error(err, diff)
		}
		if n := revision(t, d, s); n != 4 {
			t.Errorf("four changes, revision %d", n)
		}
	})
}

func TestNotThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := catalog.New(d)
		if _, err := s.History(t.Context(), "channels", "none"); !fault.Is(err, fault.NotFound) {
			t.Errorf("History says %v", err)
		}
		err := d.Write(t.Context(), func(tx *db.Tx) error { return s.Delete(tx, "channels", "none", "ann") })
		if !fault.Is(err, fault.NotFound) || revision(t, d, s) != 0 {
			t.Errorf("Delete says %v, revision %d", err, revision(t, d, s))
		}
	})
}

func TestListPages(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := catalog.New(d)
		for _, code := range []string{"b", "a", "B", "c-1", "c.1"} {
			put(t, d, s, object("channels", code, `{}`, "ann", catalog.API))
		}
		put(t, d, s, object("connections", "b", `{}`, "ann", catalog.API))
		var codes []string
		for after, pages := "", 0; ; pages++ {
			page, next, err := s.List(t.Context(), "channels", after, 2)
			if err != nil || pages > 3 {
				t.Fatal(err, pages)
			}
			for _, o := range page {
				codes = append(codes, o.Code)
			}
			if after = next; next == "" {
				break
			}
		}
		if diff := cmp.Diff([]string{"B", "a", "b", "c-1", "c.1"}, codes); diff != "" {
			t.Error(diff)
		}
		if err := d.Read(t.Context(), func(tx *db.Tx) error {
			all, err := s.All(tx)
			if len(all) != 6 || all[5].Kind != "connections" {
				t.Errorf("All gives %+v", all)
			}
			return err
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestChangesAreAnnouncedAfterTheCommit(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := catalog.New(d)
		heard := make(chan int64, 100)
		stop := d.Listen(catalog.Topic, func(string) { heard <- revision(t, d, s) })
		defer stop()
		undone := errors.New("undone")
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			if _, err := s.Put(tx, object("channels", "x", `{}`, "ann", catalog.API)); err != nil {
				return err
			}
			return undone
		}); !errors.Is(err, undone) {
			t.Fatal(err)
		}
		put(t, d, s, object("channels", "shop", `{}`, "ann", catalog.API))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		select {
		case n := <-heard:
			if n != 1 {
				t.Errorf("heard of revision %d, want 1: what was rolled back counts for nothing", n)
			}
		case <-ctx.Done():
			t.Error("nothing was announced")
		}
	})
}

func TestClaimIsNoChange(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		s := catalog.New(d)
		put(t, d, s, object("channels", "shop", `{}`, "ann", catalog.API))
		write(t, d, func(tx *db.Tx) error {
			if err := s.Lock(tx); err != nil {
				return err
			}
			return s.Claim(tx, "channels", "shop", catalog.Files)
		})
		got, err := s.Get(t.Context(), "channels", "shop")
		if err != nil || got.Origin != catalog.Files || got.Version != 1 || revision(t, d, s) != 1 {
			t.Errorf("%v, %+v, revision %d", err, got, revision(t, d, s))
		}
	})
}
