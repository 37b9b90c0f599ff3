// Package host is the scenario's door: the module "junctor" that scripts
// import, one file per namespace, and how each of its calls is done.
//
// It translates; the rules live with the nouns and connections behind it. It
// must not know how scripts are executed, nor how steps are journalled.
package host

import (
	_ "embed"
	"strings"

	"junctor/internal/script"
)

// The module's parts in JavaScript. Each is a function of (realm, shared) that
// returns exports; shared is what parts have of each other.
var (
	//go:embed errors.js
	errorsJS string
	//go:embed request.js
	requestJS string
	//go:embed answer.js
	answerJS string
	//go:embed http.js
	httpJS string
	//go:embed run.js
	runJS string
	//go:embed enter.js
	enterJS string
)

// parts lists every part, in the order in which they are evaluated.
func parts() []string {
	return []string{
		base64JS, encodingJS, xmlJS, csvJS, cryptoJS, decimalJS,
		errorsJS, requestJS, httpJS, runJS, eventsJS, waitJS, linksJS, approvalJS, socketsJS, recordsJS, packetsJS, schedulesJS, pollJS, answerJS,
	}
}

// Module is the JavaScript of the module "junctor", for script.Config.
func Module() string {
	var b strings.Builder
	b.WriteString("(function (realm) {\n'use strict';\nconst exports = {}, shared = { exports };\n")
	for _, part := range parts() {
		b.WriteString("Object.assign(exports, (")
		b.WriteString(strings.TrimSpace(part))
		b.WriteString(")(realm, shared));\n")
	}
	b.WriteString("return (")
	b.WriteString(strings.TrimSpace(enterJS))
	b.WriteString(")(realm, shared);\n})")
	return b.String()
}

// Pure lists the module's synchronous helpers.
func Pure() map[string]script.Pure {
	all := map[string]script.Pure{}
	for _, group := range []map[string]script.Pure{
		base64Pure(), encodingPure(), xmlPure(), csvPure(), cryptoPure(), decimalPure(), contentPure(),
	} {
		for name, f := range group {
			all[name] = f
		}
	}
	return all
}

//go:embed junctor.d.ts
var declarations string

// Declarations is junctor.d.ts, the reference of the module.
func Declarations() string { return declarations }
