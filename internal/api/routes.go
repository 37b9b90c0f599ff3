package api

import (
	"net/http"

	"junctor/internal/event"
)

const (
	get    = http.MethodGet
	post   = http.MethodPost
	put    = http.MethodPut
	remove = http.MethodDelete

	v1  = "/api/v1"
	adm = "/api/v1/admin"
)

// table is every call the door knows.
func (d *door) table() []route {
	channels := noun{door: d, kind: "channels"}
	connections := noun{door: d, kind: "connections"}
	settings := noun{door: d, kind: "settings", code: settingsCode}
	scenarios := scenarioNoun{noun{door: d, kind: "scenarios"}}
	return []route{
		{method: post, pattern: v1 + "/session", right: open, summary: "Begin a session with login and password, in the body or by Basic", endpoint: do(d.beginSession), status: http.StatusCreated, bodyless: true},
		{method: get, pattern: v1 + "/session", right: signedIn, summary: "Who is calling, and by what", endpoint: do(d.showSession)},
		{method: remove, pattern: v1 + "/session", right: signedIn, summary: "End the session of this call", endpoint: do(d.endOwnSession), status: http.StatusNoContent},

		{method: get, pattern: v1 + "/events", right: admin, summary: "Read the event log from a cursor, and wait for an event when there is none", endpoint: do(d.readEvents)},
		{method: post, pattern: v1 + "/events", right: admin, summary: "Publish CloudEvents: one structured or binary, or a batch", endpoint: takes(d.publishEvents, event.Structured, event.Batch, "*/*"), status: http.StatusAccepted, limit: publishLimit},

		{method: get, pattern: adm + "/channels", right: admin, summary: "List channels", endpoint: do(channels.list)},
		{method: get, pattern: adm + "/channels/{code}", right: admin, summary: "Show a channel with its token and paths", endpoint: do(channels.get)},
		{method: put, pattern: adm + "/channels/{code}", right: admin, summary: "Create or replace a channel", endpoint: do(channels.put), conditional: true},
		{method: remove, pattern: adm + "/channels/{code}", right: admin, summary: "Delete a channel", endpoint: do(channels.delete), status: http.StatusNoContent, conditional: true},

		{method: get, pattern: adm + "/connections", right: admin, summary: "List connections", endpoint: do(connections.list)},
		{method: get, pattern: adm + "/connections/{code}", right: admin, summary: "Show a connection; secrets stay references", endpoint: do(connections.get)},
		{method: put, pattern: adm + "/connections/{code}", right: admin, summary: "Create or replace a connection", endpoint: do(connections.put), conditional: true},
		{method: remove, pattern: adm + "/connections/{code}", right: admin, summary: "Delete a connection", endpoint: do(connections.delete), status: http.StatusNoContent, conditional: true},

		{method: get, pattern: adm + "/settings", right: admin, summary: "Show the settings", endpoint: do(settings.get)},
		{method: put, pattern: adm + "/settings", right: admin, summary: "Replace the settings", endpoint: do(settings.put), conditional: true},

		{method: get, pattern: adm + "/scenarios", right: admin, summary: "List scenarios, newest version of each", endpoint: do(scenarios.list)},
		{method: get, pattern: adm + "/scenarios/{code}", right: admin, summary: "Show a scenario with its sources", endpoint: do(scenarios.get)},
		{method: put, pattern: adm + "/scenarios/{code}", right: admin, summary: "Compile sources into a new version, or go back to an earlier one", endpoint: do(scenarios.put), limit: setLimit, conditional: true},
		{method: remove, pattern: adm + "/scenarios/{code}", right: admin, summary: "Delete a scenario; runs keep the version they began with", endpoint: do(scenarios.delete), status: http.StatusNoContent, conditional: true},
		{method: get, pattern: adm + "/scenarios/{code}/versions", right: admin, summary: "List a scenario's versions, newest first", endpoint: do(scenarios.versions)},
		{method: get, pattern: adm + "/scenarios/{code}/diff", right: admin, summary: "Compare the sources of two versions", endpoint: write[diffQuery]("text/x-diff", scenarios.diff)},

		{method: get, pattern: adm + "/runs", right: admin, summary: "List runs, newest first", endpoint: do(d.listRuns)},
		{method: post, pattern: adm + "/runs/actions", right: admin, summary: "Retry, rerun, cancel or terminate many runs, or erase a subject's; count them first with dry_run", endpoint: do(d.actOnRuns), action: "run.actions"},
		{method: get, pattern: adm + "/runs/{id}", right: admin, summary: "Show a run with its steps and logs", endpoint: do(d.showRun)},
		{method: post, pattern: adm + "/runs/{id}/retry", right: admin, summary: "Let a failed run go on, or one that waits for its next try make it now, with the same idempotency keys", endpoint: do(d.retryRun), action: "run.retry"},
		{method: post, pattern: adm + "/runs/{id}/rerun", right: admin, summary: "Make a new run of an old one", endpoint: do(d.rerunRun), status: http.StatusCreated, bodyless: true, limit: setLimit, action: "run.rerun"},
		{method: post, pattern: adm + "/runs/{id}/cancel", right: admin, summary: "End a run at its next host call", endpoint: do(d.cancelRun), action: "run.cancel"},
		{method: post, pattern: adm + "/runs/{id}/terminate", right: admin, summary: "End a run now", endpoint: do(d.terminateRun), action: "run.terminate"},
		{method: post, pattern: adm + "/purge", right: admin, summary: "Delete finished runs for good", endpoint: do(d.purgeRuns), action: "run.purge"},
		{method: get, pattern: adm + "/nodes", right: admin, summary: "List the processes that execute runs", endpoint: do(d.listNodes)},

		{method: get, pattern: adm + "/accounts", right: admin, summary: "List accounts", endpoint: do(d.listAccounts)},
		{method: post, pattern: adm + "/accounts", right: admin, summary: "Create an account with every right", endpoint: do(d.createAccount), status: http.StatusCreated},
		{method: put, pattern: adm + "/accounts/{login}/password", right: admin, summary: "Give an account another password and end its sessions", endpoint: do(d.setPassword), bodyless: true},
		{method: get, pattern: adm + "/sessions", right: admin, summary: "List sessions", endpoint: do(d.listSessions)},
		{method: remove, pattern: adm + "/sessions/{id}", right: admin, summary: "End a session", endpoint: do(d.endSession), status: http.StatusNoContent},
		{method: get, pattern: adm + "/tokens", right: admin, summary: "List API tokens", endpoint: do(d.listTokens)},
		{method: post, pattern: adm + "/tokens", right: admin, summary: "Create an API token; its text is shown here only", endpoint: do(d.createToken), status: http.StatusCreated},
		{method: remove, pattern: adm + "/tokens/{token}", right: admin, summary: "Revoke an API token by name or id", endpoint: do(d.revokeToken)},
		{method: get, pattern: adm + "/secrets", right: admin, summary: "List secrets by name", endpoint: do(d.listSecrets)},
		{method: put, pattern: adm + "/secrets/{name}", right: admin, summary: "Set a secret; it is never shown", endpoint: do(d.setSecret), status: http.StatusNoContent},
		{method: remove, pattern: adm + "/secrets/{name}", right: admin, summary: "Delete a secret", endpoint: do(d.deleteSecret), status: http.StatusNoContent},
		{method: get, pattern: adm + "/audit", right: admin, summary: "Who changed what, newest first", endpoint: do(d.listAudit)},

		{method: get, pattern: adm + "/events", right: admin, summary: "List events, newest first", endpoint: do(d.listEvents)},
		{method: get, pattern: adm + "/events/{id}", right: admin, summary: "Show an event", endpoint: do(d.showEvent)},

		{method: get, pattern: adm + "/configuration", right: admin, summary: "Export the whole configuration, without values of secrets", endpoint: do(d.exportConfiguration)},
		{method: post, pattern: adm + "/configuration/plan", right: admin, summary: "What applying a configuration would change", endpoint: shown[changes](do(d.planConfiguration)), limit: setLimit},
		{method: post, pattern: adm + "/configuration/apply", right: admin, summary: "Make the configuration so, in one transaction", endpoint: shown[changes](do(d.applyConfiguration)), limit: setLimit},

		{method: get, pattern: "/healthz", right: open, summary: "The process answers", endpoint: do(d.healthy)},
		{method: get, pattern: "/readyz", right: open, summary: "The database takes a write", endpoint: do(d.ready)},
		{method: get, pattern: "/metrics", right: open, rightNow: d.metricsRight, summary: "Metrics for Prometheus", endpoint: write[nothing]("text/plain", d.metrics())},
		{method: get, pattern: "/openapi.json", right: open, summary: "This document", endpoint: write[nothing]("application/json", d.serveOpenAPI)},
		{method: get, pattern: "/errors/{code}", right: open, summary: "What an error code means", endpoint: write[nothing]("text/html", d.explainError)},
		{method: get, pattern: "/{$}", right: open, summary: "The front page", endpoint: write[nothing]("text/html", d.front)},
	}
}

// settingsCode is the code of the one settings object.
const settingsCode = "default"
