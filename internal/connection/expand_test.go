package connection

import (
	"errors"
	"strings"
	"testing"
)

func TestExpand(t *testing.T) {
	values := map[string]string{"env:HOST": "erp.example.com", "secret:tok.en-1": "${env:HOST}", "env:EMPTY": ""}
	secrets := func(ref string) (string, error) {
		if v, ok := values[ref]; ok {
			return v, nil
		}
		return "", errors.New("is not set")
	}
	tests := []struct{ name, text, want, err string }{
		{"plain", "no reference $5 {x}", "no reference $5 {x}", ""},
		{"whole value", "${env:HOST}", "erp.example.com", ""},
		{"inside a value", "https://${env:HOST}/api?k=${env:EMPTY}", "https://erp.example.com/api?k=", ""},
		{"a value is not expanded again", "Bearer ${secret:tok.en-1}", "Bearer ${env:HOST}", ""},
		{"escaped", "$${env:HOST}", "${env:HOST}", ""},
		{"escaped and not", "$${a}${env:HOST}$${", "${a}erp.example.com${", ""},
		{"missing", "x${env:NOPE}", "", "${env:NOPE}: is not set"},
		{"unknown scheme", "${file:/etc/passwd}", "", "write a reference as"},
		{"no scheme", "${HOST}", "", "write a reference as"},
		{"unfinished", "a ${env:HOST", "", "write a reference as"},
		{"empty name", "${secret:}", "", "write a reference as"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NewExpander(secrets).Expand(tt.text)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error %v, want %q", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
}

func TestHideTakesTheLongestFirst(t *testing.T) {
	values := map[string]string{"env:A": "abc", "env:B": "abcdef"}
	x := NewExpander(func(ref string) (string, error) { return values[ref], nil })
	if _, err := x.Expand("${env:A}${env:B}"); err != nil {
		t.Fatal(err)
	}
	if got := x.Hide("1 abcdef 2 abc 3 def"); got != "1 *** 2 *** 3 def" {
		t.Errorf("got %q", got)
	}
}

func TestReferences(t *testing.T) {
	for text, want := range map[string]bool{"": false, "$${env:A}": false, "a${secret:b}": true, "a${b}": false} {
		if got := HasReference(text); got != want {
			t.Errorf("HasReference(%q) = %v", text, got)
		}
	}
	if CheckText("${secret:a} $${") != nil || CheckText("${a}") == nil {
		t.Error("CheckText takes the wrong ones")
	}
}

func TestClassOf(t *testing.T) {
	err := error(&Error{Class: BackOff, Message: "m", Cause: errors.New("tells a secret")})
	if ClassOf(err) != BackOff || ClassOf(errors.New("x")) != 0 || ClassOf(nil) != 0 {
		t.Error("wrong class")
	}
	if err.Error() != "m" {
		t.Errorf("the cause is in the text: %v", err)
	}
	for class, want := range map[Class]string{NotConnected: "not connected", BackOff: "back off", Permanent: "permanent", 0: "unclassed"} {
		if class.String() != want {
			t.Errorf("%d is %q", class, class.String())
		}
	}
}
