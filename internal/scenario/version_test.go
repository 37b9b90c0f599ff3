package scenario_test

import (
	"crypto/rand"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/db"
	"junctor/internal/db/dbtest"
	"junctor/internal/fault"
	"junctor/internal/scenario"
	"junctor/internal/script"
)

func bundle(code, source string) *script.Bundle {
	return &script.Bundle{
		Code: []byte(code), Map: []byte(`{"version":3}`), Hash: "of " + code,
		Sources: map[string]string{"scenarios/order.ts": source}, Warnings: []string{"a warning"},
	}
}

func save(t *testing.T, d *db.DB, v *scenario.Versions, code string, b *script.Bundle) (version string, created bool) {
	t.Helper()
	if err := d.Write(t.Context(), func(tx *db.Tx) (err error) {
		version, created, err = v.Save(tx, code, b, nil, "ann")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return version, created
}

func TestVersionsAreByContent(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		v := scenario.NewVersions(d)
		one, two := bundle("1", "one\n"), bundle("2", "two\n")
		first, created := save(t, d, v, "order", one)
		if !created || first != scenario.Name(scenario.Hash(one)) || len(first) != 13 || first[0] != 'v' {
			t.Fatalf("first version %q, created %v", first, created)
		}
		if again, created := save(t, d, v, "order", one); created || again != first {
			t.Errorf("the same content again is %q, created %v", again, created)
		}
		second, _ := save(t, d, v, "order", two)
		save(t, d, v, "other", two)
		if again, created := save(t, d, v, "order", one); created || again != first {
			t.Errorf("going back made %q, created %v", again, created)
		}
		latest, err := v.Latest(t.Context(), "order")
		if err != nil || latest.Version != first || latest.Author != "ann" || latest.CreatedAt.IsZero() {
			t.Errorf("after going back the latest is %+v (%v)", latest, err)
		}
		if diff := cmp.Diff(one, latest.Bundle); diff != "" {
			t.Error(diff)
		}
		list, err := v.List(t.Context(), "order")
		if err != nil || len(list) != 2 || list[0].Version != first || list[1].Version != second || list[0].Bundle != nil {
			t.Errorf("list %+v (%v)", list, err)
		}
		old, err := v.Get(t.Context(), "order", second)
		if diff := cmp.Diff(two, old.Bundle); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

func TestVersionNotThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		v := scenario.NewVersions(open())
		if _, err := v.Get(t.Context(), "order", "v1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("Get says %v", err)
		}
		if _, err := v.Latest(t.Context(), "order"); !fault.Is(err, fault.NotFound) {
			t.Errorf("Latest says %v", err)
		}
		if list, err := v.List(t.Context(), "order"); err != nil || len(list) != 0 {
			t.Errorf("List gives %v, %v", list, err)
		}
	})
}

func TestLargeBundles(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		v := scenario.NewVersions(d)
		big := bundle("big", strings.Repeat("const x = 1; // the same again\n", 200_000))
		version, _ := save(t, d, v, "big", big)
		got, err := v.Get(t.Context(), "big", version)
		if err != nil || got.Bundle.Sources["scenarios/order.ts"] != big.Sources["scenarios/order.ts"] {
			t.Errorf("a source of %d bytes did not come back: %v", len(big.Sources["scenarios/order.ts"]), err)
		}
		noise := make([]byte, 5<<20)
		rand.Read(noise) //nolint:errcheck // never fails
		err = d.Write(t.Context(), func(tx *db.Tx) error {
			_, _, err := v.Save(tx, "noise", bundle("noise", base64.StdEncoding.EncodeToString(noise)), nil, "ann")
			return err
		})
		if !fault.Is(err, fault.TooLarge) {
			t.Errorf("5 MiB that do not compress: %v", err)
		}
	})
}

func TestHashNamesEverythingPeopleSee(t *testing.T) {
	base := bundle("1", "a")
	for name, other := range map[string]*script.Bundle{
		"code":   bundle("2", "a"),
		"source": bundle("1", "b"),
		"map":    {Code: base.Code, Map: []byte("{}"), Sources: base.Sources},
		"path":   {Code: base.Code, Map: base.Map, Sources: map[string]string{"scenarios/order.js": "a"}},
	} {
		if scenario.Hash(base) == scenario.Hash(other) {
			t.Errorf("another %s has the same hash", name)
		}
	}
	if scenario.Hash(base) != scenario.Hash(bundle("1", "a")) {
		t.Error("the same content has two hashes")
	}
}

func TestDiff(t *testing.T) {
	version := func(sources map[string]string) scenario.Version {
		return scenario.Version{Bundle: &script.Bundle{Sources: sources}}
	}
	old := version(map[string]string{"a.ts": "one\ntwo\nthree\n", "gone.ts": "x\n", "same.ts": "s\n"})
	new := version(map[string]string{"a.ts": "one\n2\nthree\n", "made.ts": "y\n", "same.ts": "s\n"})
	want := `diff a/a.ts b/a.ts
--- a/a.ts
+++ b/a.ts
@@ -1,3 +1,3 @@
 one
-two
+2
 three
diff a/gone.ts /dev/null
--- a/gone.ts
+++ /dev/null
@@ -1,1 +0,0 @@
-x
diff /dev/null b/made.ts
--- /dev/null
+++ b/made.ts
@@ -0,0 +1,1 @@
+y
`
	if diff := cmp.Diff(want, scenario.Diff(old, new)); diff != "" {
		t.Error(diff)
	}
	if got := scenario.Diff(old, old); got != "" {
		t.Errorf("no difference gives %q", got)
	}
	if got := scenario.Diff(scenario.Version{}, scenario.Version{}); got != "" {
		t.Errorf("versions without bundles give %q", got)
	}
}
