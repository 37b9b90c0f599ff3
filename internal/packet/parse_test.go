package packet_test

import (
	"testing"

	"junctor/internal/class"
	"junctor/internal/packet"
)

func FuzzParse(f *testing.F) {
	f.Add(`{"params":{"code":"text!","states":"text[]"},"parts":{"a":{"class":"orders","filter":"state in @states","orderby":"x desc","parts":{"b":{"query":"q","params":{"a":["@parent.id"]}}}}}}`)
	f.Add(`{"parts":{"a":{"connection":"c","path":"/a/{code}","params":{"x":{"y":"@@"}}},"g":{"parts":{"f":{"function":"f"}}}}}`)
	f.Add(`{"parts":{"a":{"connection":"c","path":"/a/{code"}}}`)
	model, _ := class.NewModel(nil)
	f.Fuzz(func(t *testing.T, body string) {
		p, found := packet.Parse("p", []byte(body))
		if len(found) > 0 {
			return
		}
		p.References()
		p.Check(packet.Names{Model: model})
		if len(p.Parts) == 0 {
			t.Error("a packet without parts was taken")
		}
	})
}
