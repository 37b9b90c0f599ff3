package hub_test

import "testing"

// A changed time zone is in use when apply returns, for new runs.
func TestTimezoneChangesWithoutARestart(t *testing.T) {
	files := map[string]string{
		"junctor.yaml": "settings: { timezone: UTC }\nchannels:\n  time: { type: public, scenario: time, await: true }\n",
		"scenarios/time.ts": `export default async function () {
  return { text: String(new Date(2026, 6, 1, 12).getTimezoneOffset()) };
}`,
	}
	s := serve(t, files)
	if _, body := s.send("GET", "time", "", ""); body != "0" {
		t.Errorf("in UTC: %s", body)
	}
	files["junctor.yaml"] = "settings: { timezone: Europe/Prague }\nchannels:\n  time: { type: public, scenario: time, await: true }\n"
	s.apply(files)
	if _, body := s.send("GET", "time", "", ""); body != "-120" {
		t.Errorf("in Prague: %s", body)
	}
}
