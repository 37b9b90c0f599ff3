package limit_test

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"junctor/internal/limit"
)

// fill takes places until there is none, each for the next keys, and returns how
// many there were.
func fill(p *limit.Places, keys func(n int) (a, b string)) (n int) {
	for ; ; n++ {
		a, b := keys(n)
		if p.Take(a, b) != nil {
			return n
		}
	}
}

func same(a, b string) func(int) (string, string) {
	return func(int) (string, string) { return a, b }
}

func TestPlacesForOneWhoIsAlone(t *testing.T) {
	p := limit.NewPlaces(5000, 2)
	if n := fill(p, same("a", "x")); n != 5000 {
		t.Errorf("who is alone has %d", n)
	}
	p = limit.NewPlaces(5000, 2)
	if n := fill(p, func(n int) (string, string) { return "a", fmt.Sprint(n % 4) }); n != 5000 {
		t.Errorf("four of one kind have %d", n)
	}
}

// Nobody takes all of them, however many keys of one kind he has.
func TestPlacesForOthers(t *testing.T) {
	for name, greedy := range map[string]func(int) (string, string){
		"one of each kind":         same("a", "x"),
		"many of the second kind":  func(n int) (string, string) { return "a", fmt.Sprint(n) },
		"many of the first kind":   func(n int) (string, string) { return fmt.Sprint(n), "x" },
		"several of the first one": func(n int) (string, string) { return fmt.Sprint(n % 10), "x" },
	} {
		t.Run(name, func(t *testing.T) {
			p := limit.NewPlaces(1000, 2)
			if n := fill(p, greedy); n < 1000 || n > 1050 {
				t.Errorf("it has %d", n)
			}
			if n := fill(p, same("other", "another")); n < 24 {
				t.Errorf("the next one has %d", n)
			}
			if n := fill(p, same("third", "yet another")); n < 11 {
				t.Errorf("the one after that has %d", n)
			}
			if full := p.Take("other", "another"); full == nil || full.Most != 1000 || full.Has[0] < full.Left[0] || full.Has[1] < full.Left[1] {
				t.Errorf("it is full as %+v", full)
			}
		})
	}
}

// Of many who share one key each may still have places, by the other kind.
func TestPlacesBehindOneAddress(t *testing.T) {
	p := limit.NewPlaces(1000, 2)
	fill(p, same("greedy", "proxy"))
	if n := fill(p, same("modest", "proxy")); n != 25 {
		t.Errorf("another behind the same proxy has %d", n)
	}
}

func TestPlacesThatWereLeft(t *testing.T) {
	p := limit.NewPlaces(1000, 2)
	fill(p, same("a", "x"))
	few := fill(p, same("b", "y"))
	for range few {
		p.Give("a", "x")
	}
	if full := p.Take("a", "x"); full == nil {
		t.Error("what was left is not for who has a place that was kept")
	}
	if n := fill(p, same("c", "z")); n != few {
		t.Errorf("%d are kept, and before it were %d", n, few)
	}
	p.Set(2000)
	if n := fill(p, same("a", "x")); n != 1000-few {
		t.Errorf("with 1000 more there are %d", n)
	}
	p.Set(10)
	if full := p.Take("d", "w"); full != nil && full.Most != 10 {
		t.Errorf("%+v", full)
	}
}

// Whatever is taken and given back: there are never more than all, and nobody is
// refused while there is one for anybody.
func TestPlacesAreBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		most := rapid.IntRange(1, 60).Draw(t, "most")
		p := limit.NewPlaces(most, 2)
		var have [][2]string
		for range rapid.IntRange(0, 300).Draw(t, "steps") {
			if len(have) > 0 && rapid.IntRange(0, 2).Draw(t, "what") == 0 {
				n := rapid.IntRange(0, len(have)-1).Draw(t, "whose")
				p.Give(have[n][0], have[n][1])
				have = append(have[:n], have[n+1:]...)
				continue
			}
			keys := [2]string{rapid.StringMatching(`[a-d]`).Draw(t, "first"), rapid.StringMatching(`[a-z]`).Draw(t, "second")}
			if full := p.Take(keys[0], keys[1]); full == nil {
				have = append(have, keys)
			} else if len(have) < most {
				t.Fatalf("refused with %d of %d taken: %+v", len(have), most, full)
			}
			if each := (most + 19) / 20; len(have) > most+2*each {
				t.Fatalf("%d are taken", len(have))
			}
		}
	})
}
