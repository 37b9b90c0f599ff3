// Package shoptoerp carries the example integration of this folder, so that the
// demo plays exactly what can be read here.
package shoptoerp

import "embed"

// Files are the integration: junctor.yaml, the scenarios and their tests, samples.
//
//go:embed junctor.yaml README.md samples scenarios
var Files embed.FS
