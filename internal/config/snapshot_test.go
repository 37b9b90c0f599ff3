package config_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"junctor/internal/catalog"
	"junctor/internal/channel"
	"junctor/internal/config"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/scenario"
)

func TestSnapshot(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		s := newService(open(), config.Parts{Secrets: func(ref string) (string, error) {
			if ref == "env:SHOP_TOKEN" {
				return "geheim", nil
			}
			return "", errors.New(ref + " is not set")
		}})
		empty, err := s.Snapshot(t.Context())
		if err != nil || empty.Revision != 0 || empty.Settings.Timezone.String() != "UTC" || len(empty.Channels) > 0 {
			t.Fatalf("an empty configuration gives %+v (%v)", empty, err)
		}
		set := load(t, "testdata/shop")
		result := apply(t, s, set, false)
		put(t, s, config.Channels, "off", `{"type":"public","scenario":"order","enabled":false}`)
		put(t, s, config.Channels, "locked", `{"type":"public","scenario":"order","verify":{"bearer":"${secret:none}"}}`)
		snap, err := s.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if snap.Revision <= empty.Revision || len(snap.Channels) != 4 || len(snap.ByToken) != 3 || len(snap.Connections) != 2 {
			t.Errorf("snapshot %+v", snap)
		}
		shop := snap.ByToken[result.Channels[1].Token]
		if shop == nil || shop.Code != "shop" || shop.Version != scenario.Name(scenario.Hash(set.Scenarios["order"])) || snap.Scenarios["order"] != shop.Version {
			t.Fatalf("the shop by its token: %+v", shop)
		}
		r := httptest.NewRequest("POST", "/", nil)
		if _, err := shop.Verifier.Before(r, time.Now()); !fault.Is(err, fault.Unauthorized) {
			t.Errorf("without credentials: %v", err)
		}
		r.Header.Set("Authorization", "Bearer geheim")
		if claims, err := shop.Verifier.Before(r, time.Now()); err != nil || len(claims) > 0 {
			t.Errorf("with the resolved bearer: %v", err)
		}
		if locked := snap.Channels["locked"]; locked.Verifier != nil || !fault.Is(locked.Refused, fault.Unavailable) {
			t.Errorf("a channel without its secret lets in: %+v", locked)
		}
		if len(snap.Problems) != 1 || !strings.Contains(snap.Problems[0].Error(), `channel "locked" refuses every message: verify, scheme 1: ${secret:none}: secret:none is not set`) {
			t.Errorf("problems %v", snap.Problems)
		}
		if snap.Connections["erp-test"].URL != "https://test.erp.example.com/api" {
			t.Errorf("connections %+v", snap.Connections)
		}
	})
}

// What an older or newer release has left does not keep the rest from working.
func TestSnapshotOfForeignObjects(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		store := catalog.New(d)
		s := config.New(d, store, scenario.NewVersions(d), channel.NewTokens(d), newSecrets(d), config.Parts{})
		apply(t, s, load(t, "testdata/shop"), false)
		if err := d.Write(t.Context(), func(tx *db.Tx) error {
			for _, o := range []catalog.Object{
				{Kind: "mailboxes", Code: "orders", Body: []byte(`{}`)},
				{Kind: config.Channels, Code: "old", Body: []byte(`{"type":"queue"}`)},
				{Kind: config.Connections, Code: "old", Body: []byte(`[]`)},
			} {
				o.Origin = catalog.Files
				if _, err := store.Put(tx, o); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		snap, err := s.Snapshot(t.Context())
		if err != nil || len(snap.Problems) != 3 || len(snap.Channels) != 2 /* the third: the shop has no secrets here */ {
			t.Errorf("%v, problems %v", err, snap.Problems)
		}
		expect(t, "apply", "delete connections old\ndelete channels old", changes(apply(t, s, load(t, "testdata/shop"), false)))
	})
}
