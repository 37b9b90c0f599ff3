package script

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"sort"
	"strings"

	"modernc.org/quickjs"

	"junctor/internal/script/realm"
)

//go:embed boot.js
var bootJS string

//go:embed core.js
var coreJS string

//go:embed code.js
var codeJS string

//go:embed loop.js
var loopJS string

//go:embed lockdown.js
var lockdownJS string

// What text may be made into code or a pattern at run time; compiling it is
// native work that cannot be interrupted.
const (
	maxCode    = 256 << 10
	maxPattern = 32 << 10
)

// nativePrefix names the Go functions on the global object until boot.js takes
// them away.
const nativePrefix = "$junctor_"

// image is what every machine of a pool is made from.
type image struct {
	config   Config
	natives  map[string]realm.Native
	bytecode []byte
}

func newImage(c Config) (*image, error) {
	im := &image{config: c, natives: realm.Natives(c.Zone)}
	transitions, offsets := realm.Zone(c.Zone)
	parts := realm.Parts()
	pieces := []realm.Part{{Name: "boot", Source: bootJS}, {Name: "core", Source: coreJS}, {Name: "code", Source: codeJS},
		{Name: "loop", Source: loopJS}, {Name: "lockdown", Source: lockdownJS}, {Name: "module", Source: c.Module}}
	pieces = append(pieces, parts...)
	vm, err := quickjs.NewVM()
	if err != nil {
		return nil, fmt.Errorf("start the engine: %w", err)
	}
	defer vm.Close()
	for _, p := range pieces { // one by one, for errors that name the piece
		if _, err := vm.Compile(expression(p.Source), quickjs.EvalGlobal); err != nil {
			return nil, fmt.Errorf("compile the realm's part %s: %w", p.Name, err)
		}
	}
	members := []string{
		"core: " + expression(coreJS), "code: " + expression(codeJS), "loop: " + expression(loopJS),
		"lockdown: " + expression(lockdownJS), "module: " + expression(c.Module),
		"zone: " + literal(map[string]any{"transitions": append([]int64{}, transitions...), "offsets": append([]int{}, offsets...), "name": c.Zone.String()}),
		"limits: " + literal(map[string]int{"output": c.MaxOutput, "calls": c.MaxCalls, "code": maxCode, "pattern": maxPattern}),
		"prefix: " + literal(nativePrefix), "natives: " + literal(names(im.natives)), "pures: " + literal(names(c.Pure)),
	}
	var sources []string
	for _, p := range parts {
		sources = append(sources, expression(p.Source))
	}
	members = append(members, "realm: ["+strings.Join(sources, ",\n")+"]")
	im.bytecode, err = vm.Compile(expression(bootJS)+"(globalThis, {\n"+strings.Join(members, ",\n")+"\n})", quickjs.EvalGlobal)
	if err != nil {
		return nil, fmt.Errorf("compile the realm: %w", err)
	}
	return im, nil
}

// expression makes a file that is a function expression usable inside another
// expression.
func expression(source string) string {
	return "(" + strings.TrimRight(strings.TrimSpace(source), ";") + "\n)"
}

func literal(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic("script: " + err.Error()) // cannot happen: plain values
	}
	return string(text)
}

func names[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for name := range m {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}
