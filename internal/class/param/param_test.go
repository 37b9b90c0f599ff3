package param_test

import (
	"encoding/json"
	"strings"
	"testing"

	"junctor/internal/class/param"
)

func TestParams(t *testing.T) {
	params, found := param.Parse("/params", map[string]json.RawMessage{
		"code": json.RawMessage(`"text!"`), "amount": json.RawMessage(`{"type":"decimal(12,2)","min":0,"default":"1.50"}`),
		"states": json.RawMessage(`"enum(new,sent)[]"`), "ids": json.RawMessage(`{"type":"integer[]","required":true}`),
	})
	if len(found) > 0 || len(params) != 4 {
		t.Fatal(found)
	}
	args, err := param.TextArgs(params, map[string][]string{"code": {"C1"}, "states": {"new", "sent"}, "ids": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, p := range params {
		got += p.Code + string(args.JSON(p)) + " "
	}
	if got != `amount1.50 code"C1" ids[1] states["new","sent"] ` {
		t.Error(got)
	}
	_, err = param.JSONArgs(params, map[string]json.RawMessage{
		"code": json.RawMessage(`1`), "amount": json.RawMessage(`-1`), "states": json.RawMessage(`["old"]`), "ids": json.RawMessage(`1`), "x": json.RawMessage(`1`),
	})
	for _, pointer := range []string{"/code", "/amount", "/states", "/ids", "/x"} {
		if err == nil || !strings.Contains(err.Error(), pointer) {
			t.Errorf("%s is not in %v", pointer, err)
		}
	}
	_, found = param.Parse("/params", map[string]json.RawMessage{
		"a": json.RawMessage(`"file"`), "b": json.RawMessage(`{"type":"text","unique":true}`), "c": json.RawMessage(`"json[]"`), "1": json.RawMessage(`"text"`), "e": json.RawMessage(`5`),
	})
	if len(found) != 5 {
		t.Error(found)
	}
}
