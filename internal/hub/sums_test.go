package hub_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"junctor/internal/db"
)

// manyRows is how many records a test with a large class has: 20,000, or as many
// as JUNCTOR_TEST_ROWS says, and then byHand is true. With a million they take
// minutes:
//
//	JUNCTOR_TEST_ROWS=1000000 go test -timeout 30m -run 'Sums|UnderLoad' -v ./internal/hub
func manyRows(t *testing.T) (n int, byHand bool) {
	t.Helper()
	text := os.Getenv("JUNCTOR_TEST_ROWS")
	if text == "" {
		return 20_000, false
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("JUNCTOR_TEST_ROWS: %v", err)
	}
	return n, true
}

// amount is a sum of numbers without their points, and what else is asked for.
type amount struct {
	precision, scale int
	sum, least, most *big.Int
	count            int64
}

func (a *amount) add(n *big.Int) {
	if a.sum == nil {
		a.sum, a.least, a.most = new(big.Int), n, n
	}
	a.sum.Add(a.sum, n)
	a.count++
	if n.Cmp(a.least) < 0 {
		a.least = n
	}
	if n.Cmp(a.most) > 0 {
		a.most = n
	}
}

// average is rounded half away from zero, to the column's scale or six digits.
func (a *amount) average() string {
	scale := max(a.scale, 6)
	twice := new(big.Int).Mul(a.sum, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-a.scale)), nil))
	twice.Mul(twice, big.NewInt(2))
	half := big.NewInt(a.count)
	if twice.Sign() < 0 {
		half.Neg(half)
	}
	return decimalText(twice.Quo(twice.Add(twice, half), big.NewInt(2*a.count)), scale)
}

func decimalText(n *big.Int, scale int) string {
	digits := new(big.Int).Abs(n).String()
	digits = strings.Repeat("0", max(0, scale+1-len(digits))) + digits
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
	}
	return sign + digits[:len(digits)-scale] + "." + digits[len(digits)-scale:]
}

// kept is a number as the tables of docs/reference/classes.md have it.
func (a *amount) kept(n *big.Int, postgres bool) string {
	switch {
	case postgres:
		return decimalText(n, a.scale)
	case a.precision <= 18:
		return n.String()
	case n.Sign() >= 0:
		return "1" + fmt.Sprintf("%0*s", a.precision, n)
	}
	nines := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(a.precision)), nil)
	return "0" + fmt.Sprintf("%0*s", a.precision, nines.Add(nines.Sub(nines, big.NewInt(1)), n))
}

// Sums, averages, the least and the greatest of many amounts are exact to the last
// digit, on both databases.
func TestSumsOfManyAmounts(t *testing.T) {
	n, _ := manyRows(t)
	eachDatabase(t, map[string]string{"junctor.yaml": `classes:
  amounts: { columns: { short: "decimal(18,2)", long: "decimal(38,10)", part: "enum(a,b,c)" } }
`}, func(s *site) {
		short, long := &amount{precision: 18, scale: 2}, &amount{precision: 38, scale: 10}
		parts := map[string]*amount{}
		for _, part := range []string{"a", "b", "c"} {
			parts[part] = &amount{precision: 38, scale: 10}
		}
		began := time.Now()
		s.amounts(n, short, long, parts)
		s.t.Logf("%d records are there after %s", n, time.Since(began))
		want := fmt.Sprintf(`"count":%d`, n-n/101)
		for _, column := range []struct {
			name string
			*amount
		}{{"short", short}, {"long", long}} {
			want += fmt.Sprintf(`,"%[1]s_sum":%[2]s,"%[1]s_min":%[3]s,"%[1]s_max":%[4]s,"%[1]s_average":%[5]s,"%[1]s_count":%[6]d`, column.name,
				decimalText(column.sum, column.scale), decimalText(column.least, column.scale), decimalText(column.most, column.scale), column.average(), column.count)
		}
		apply := "$count as count"
		for _, column := range []string{"short", "long"} {
			for _, method := range []string{"sum", "min", "max", "average", "count"} {
				apply += fmt.Sprintf(",%[1]s with %[2]s as %[1]s_%[2]s", column, method)
			}
		}
		s.wantGroups("aggregate("+apply+")", "{"+want+"}")
		var groups []string
		for _, part := range []string{"a", "b", "c"} {
			groups = append(groups, fmt.Sprintf(`{"part":%q,"sum":%s,"average":%s}`, part, decimalText(parts[part].sum, 10), parts[part].average()))
		}
		s.wantGroups("filter(long lt 0)/groupby((part),aggregate(long with sum as sum,long with average as average))", strings.Join(groups, ","))
	})
}

// amounts fills the class as other programs do that know Junctor's form, and
// gathers what is to come out.
func (s *site) amounts(n int, short, long *amount, negative map[string]*amount) {
	s.t.Helper()
	r := rand.New(rand.NewPCG(7, 11)) //nolint:gosec // the same amounts in every run
	insert := db.NewStmt(0, `INSERT INTO class_amounts (id, version, deleted_at, short, long, part)
		SELECT r.id, 1, r.gone, r.short, r.long, r.part FROM {rows} AS r`, db.Text("id"), db.Int("gone"), db.Int("short"), db.Text("long"), db.Text("part"))
	postgres := false
	if err := s.hub.Write(s.t.Context(), func(tx *db.Tx) error { postgres = tx.Postgres(); return nil }); err != nil {
		s.t.Fatal(err)
	}
	if postgres {
		insert = db.NewStmt(0, `INSERT INTO class_amounts (id, version, deleted_at, short, long, part)
			SELECT r.id, 1, CASE r.gone WHEN 1 THEN now() END, CAST(r.short AS NUMERIC) / 100, CAST(r.long AS NUMERIC), r.part FROM {rows} AS r`,
			db.Text("id"), db.Int("gone"), db.Int("short"), db.Text("long"), db.Text("part"))
	}
	const batch = 10_000
	for from := 0; from < n; from += batch {
		rows := make([][]any, 0, batch)
		for i := from; i < min(from+batch, n); i++ {
			a := big.NewInt(r.Int64N(2e17) - 1e17)
			b := new(big.Int).Mul(big.NewInt(r.Int64()-1<<62), big.NewInt(r.Int64N(1e13)))
			part := string(rune('a' + i%3))
			row := []any{fmt.Sprintf("rec_%08d", i), nil, a.Int64(), long.kept(b, postgres), part}
			switch {
			case i%101 == 100: // a deleted record does not count
				row[1] = int64(1)
			case i%97 == 0:
				row[2], row[3] = nil, nil
			default:
				short.add(a)
				long.add(b)
				if b.Sign() < 0 {
					negative[part].add(b)
				}
			}
			rows = append(rows, row)
		}
		if err := s.hub.Write(s.t.Context(), func(tx *db.Tx) error {
			_, err := tx.Many(insert, rows)
			return err
		}); err != nil {
			s.t.Fatal(err)
		}
	}
}

var quotedNumber = regexp.MustCompile(`:"(-?[0-9.]+)"`)

// wantGroups asks for groups, in numbers and in texts.
func (s *site) wantGroups(apply, want string) {
	s.t.Helper()
	for _, accept := range []string{"application/json", "application/json;IEEE754Compatible=true"} {
		began := time.Now()
		resp, body := s.call("GET", "/api/v1/data/amounts?$apply="+url.QueryEscape(apply), "", "Accept", accept)
		var got struct{ Value []json.RawMessage }
		if err := json.Unmarshal([]byte(body), &got); err != nil || resp.StatusCode != 200 {
			s.t.Fatalf("%s: %d %s", apply, resp.StatusCode, body)
		}
		s.t.Logf("%.40s... by %s took %s", apply, accept, time.Since(began))
		var texts []string
		for _, group := range got.Value {
			text := string(group)
			if strings.Contains(accept, "IEEE") {
				text = quotedNumber.ReplaceAllString(text, ":$1")
			}
			texts = append(texts, text)
		}
		if joined := strings.Join(texts, ","); joined != want {
			s.t.Errorf("%s\n got %s\nwant %s", apply, joined, want)
		}
	}
}

// What is beyond 38 digits is refused, and told which it is.
func TestSumsThatAreTooLarge(t *testing.T) {
	eachDatabase(t, map[string]string{"junctor.yaml": "classes:\n  amounts: { columns: { long: \"decimal(38,10)\" } }\n"}, func(s *site) {
		for _, sign := range []string{"", "-"} {
			for range 2 {
				if resp, body := s.call("POST", "/api/v1/data/amounts", `{"long":`+sign+`9999999999999999999999999999.9999999999}`); resp.StatusCode != 201 {
					s.t.Fatalf("%d %s", resp.StatusCode, body)
				}
			}
		}
		s.wantGroups("aggregate(long with sum as s,long with min as low,long with average as a)", `{"s":0.0000000000,"low":-9999999999999999999999999999.9999999999,"a":0.0000000000}`)
		for _, condition := range []string{"long gt 0", "long lt 0"} {
			resp, body := s.call("GET", "/api/v1/data/amounts?$apply="+url.QueryEscape("filter("+condition+")/aggregate(long with sum as both)"), "")
			if resp.StatusCode != 422 || !strings.Contains(body, "The aggregate both") || !strings.Contains(body, "38 digits") {
				s.t.Errorf("%s: %d %s", condition, resp.StatusCode, body)
			}
		}
	})
}
