package host

import _ "embed"

//go:embed globals.d.ts
var globals string

// Globals is globals.d.ts: the declarations of what scenarios find without
// importing it, for projects that leave the browser's out.
func Globals() string { return globals }
