package table_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"junctor/internal/class/classtest"
	"junctor/internal/db"
	"junctor/internal/db/dbtest"
)

const everything = `{"key":"t","columns":{"t":"text","i":"integer","d":"decimal(12,2)","h":"decimal(30,10)","z":"decimal(5,5)","b":"boolean","y":"date",
	"m":"datetime","j":"json","e":"enum(new,done)","r":"ref(others)","f":"file","n":"autonumber","s":{"type":"autonumber","pattern":"ORD-{00000}"},
	"c":{"type":"decimal(14,2)","computed":"d mul i"}}}`

const others = `{"key":"code","columns":{"code":"text!"}}`

// Every type comes back from both databases as it was written.
func TestEveryTypeComesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, open func() *db.DB) {
		d := open()
		classtest.Apply(t, d, false, "orders", everything, "others", others)
		want := map[string]string{
			"rec_1": `{"b":true,"c":-25.25,"d":-12.62,"e":"new","f":"fil_1","h":-12345678901234567890.1234567890,"i":-9223372036854775808,"j":{"b":1,"a":[1.50,null,"ž"]},"m":"1969-12-31T23:59:59.999999Z","n":7,"r":"rec_9","s":"ORD-00007","t":"a'b\"ž😀","y":"0001-01-01","z":-0.00001}`,
			"rec_2": `{"b":false,"c":0.00,"d":9999999999.99,"e":"done","f":null,"h":0.0000000000,"i":9223372036854775807,"j":[],"m":"9999-12-31T23:59:59.999999Z","n":null,"r":null,"s":null,"t":"","y":"9999-12-31","z":0.99999}`,
			"rec_3": `{"b":null,"c":null,"d":null,"e":null,"f":null,"h":null,"i":null,"j":null,"m":null,"n":null,"r":null,"s":null,"t":"x","y":null,"z":null}`,
		}
		for id, values := range want {
			classtest.Put(t, d, "orders", id, values)
		}
		if diff := cmp.Diff(want, classtest.Rows(t, d, "orders")); diff != "" {
			t.Error(diff)
		}
	})
}
