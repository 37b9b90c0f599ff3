package api

import (
	"net/http"

	"junctor/internal/event"
	"junctor/internal/right"
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
	settings := noun{door: d, kind: "settings", code: settingsCode}
	scenarios := scenarioNoun{noun{door: d, kind: "scenarios"}}
	subscriptions := subscriptionNoun{noun{door: d, kind: "subscriptions"}}
	routes := []route{
		{method: post, pattern: v1 + "/session", right: open, summary: "Begin a session with login and password, in the body or by Basic", endpoint: do(d.beginSession), status: http.StatusCreated, bodyless: true},
		{method: get, pattern: v1 + "/session", right: signedIn, summary: "Who is calling, and by what", endpoint: do(d.showSession)},
		{method: remove, pattern: v1 + "/session", right: signedIn, summary: "End the session of this call", endpoint: do(d.endOwnSession), status: http.StatusNoContent},
		{method: post, pattern: v1 + "/functions/{name}", right: signedIn, summary: "Call a function with its parameters", endpoint: d.callable(), bodyless: true, limit: functionLimit},
		{method: get, pattern: v1 + "/packets/{name}", right: signedIn, summary: "Fetch a packet; the query is its parameters", endpoint: d.fetchable()},
		{method: get, pattern: v1 + "/runs/{id}", right: signedIn, summary: "State and output of a run, for who has started it", endpoint: do(d.showOwnRun)},

		{method: get, pattern: v1 + "/events", right: signedIn, summary: "Read the event log from a cursor, and wait for an event when there is none", endpoint: do(d.readEvents)},
		{method: post, pattern: v1 + "/events", right: signedIn, summary: "Publish CloudEvents: one structured or binary, or a batch", endpoint: takes(d.publishEvents, event.Structured, event.Batch, "*/*"), status: http.StatusAccepted, limit: publishLimit},

		{method: get, pattern: adm + "/settings", right: right.Settings, summary: "Show the settings", endpoint: do(settings.get)},
		{method: put, pattern: adm + "/settings", right: right.Settings, summary: "Replace the settings", endpoint: do(settings.put), conditional: true},

		{method: get, pattern: adm + "/scenarios", right: right.Scenarios, summary: "List scenarios, newest version of each", endpoint: do(scenarios.list)},
		{method: get, pattern: adm + "/scenarios/{code}", right: right.Scenarios, summary: "Show a scenario with its sources", endpoint: do(scenarios.get)},
		{method: put, pattern: adm + "/scenarios/{code}", right: right.Scenarios, summary: "Compile sources into a new version, or go back to an earlier one", endpoint: do(scenarios.put), limit: setLimit, conditional: true},
		{method: remove, pattern: adm + "/scenarios/{code}", right: right.Scenarios, summary: "Delete a scenario; runs keep the version they began with", endpoint: do(scenarios.delete), status: http.StatusNoContent, conditional: true},
		{method: get, pattern: adm + "/scenarios/{code}/versions", right: right.Scenarios, summary: "List a scenario's versions, newest first", endpoint: do(scenarios.versions)},
		{method: get, pattern: adm + "/scenarios/{code}/diff", right: right.Scenarios, summary: "Compare the sources of two versions", endpoint: write[diffQuery]("text/x-diff", scenarios.diff)},

		{method: get, pattern: adm + "/subscriptions", right: right.Channels, summary: "List subscriptions by webhook, with the state of their endpoints", endpoint: do(subscriptions.list)},
		{method: get, pattern: adm + "/subscriptions/{code}", right: right.Channels, summary: "Show a subscription and the state of its endpoint", endpoint: do(subscriptions.get)},
		{method: put, pattern: adm + "/subscriptions/{code}", right: right.Channels, summary: "Create or replace a configured subscription", endpoint: do(subscriptions.put), conditional: true},
		{method: remove, pattern: adm + "/subscriptions/{code}", right: right.Channels, summary: "Delete a subscription", endpoint: do(subscriptions.delete), status: http.StatusNoContent, conditional: true},
		{method: post, pattern: adm + "/subscriptions/{code}/enable", right: right.Channels, summary: "Let a subscription go on that was disabled or has ended, where it stopped or from now on", endpoint: do(subscriptions.enable), bodyless: true},
		{method: post, pattern: adm + "/subscriptions/{code}/disable", right: right.Channels, summary: "Stop a subscription until it is enabled", endpoint: do(subscriptions.disable)},
		{method: post, pattern: adm + "/subscriptions/{code}/rotate", right: right.Channels, summary: "Give a subscription another secret, shown here only; the present one signs along for a time", endpoint: do(subscriptions.rotate), bodyless: true},
		{method: post, pattern: adm + "/subscriptions/{code}/replay", right: right.Channels, summary: "Send events again; count them first with dry_run", endpoint: do(subscriptions.replay)},
		{method: get, pattern: adm + "/subscriptions/{code}/replays", right: right.Channels, summary: "List what is being sent again, the oldest first", endpoint: do(subscriptions.replays)},
		{method: remove, pattern: adm + "/subscriptions/{code}/replays", right: right.Channels, summary: "End all that is being sent again", endpoint: do(subscriptions.endReplays), status: http.StatusNoContent},
		{method: remove, pattern: adm + "/subscriptions/{code}/replays/{id}", right: right.Channels, summary: "End what is being sent again", endpoint: do(subscriptions.endReplay), status: http.StatusNoContent},
		{method: post, pattern: adm + "/subscriptions/{code}/ping", right: right.Channels, summary: "Send a test event and wait for the endpoint's answer", endpoint: do(subscriptions.ping), action: "subscription.ping"},

		{method: get, pattern: adm + "/runs", right: right.Runs, summary: "List runs, newest first", endpoint: do(d.listRuns)},
		{method: post, pattern: adm + "/runs/actions", right: right.Runs, summary: "Retry, rerun, cancel or terminate many runs, or erase a subject's; count them first with dry_run", endpoint: do(d.actOnRuns), action: "run.actions"},
		{method: get, pattern: adm + "/runs/{id}", right: right.Runs, summary: "Show a run with its steps and logs", endpoint: do(d.showRun)},
		{method: post, pattern: adm + "/runs/{id}/retry", right: right.Runs, summary: "Let a failed run go on, or one that waits for its next try make it now, with the same idempotency keys", endpoint: do(d.retryRun), action: "run.retry"},
		{method: post, pattern: adm + "/runs/{id}/rerun", right: right.Runs, summary: "Make a new run of an old one", endpoint: do(d.rerunRun), status: http.StatusCreated, bodyless: true, limit: setLimit, action: "run.rerun"},
		{method: post, pattern: adm + "/runs/{id}/cancel", right: right.Runs, summary: "End a run at its next host call", endpoint: do(d.cancelRun), action: "run.cancel"},
		{method: post, pattern: adm + "/runs/{id}/terminate", right: right.Runs, summary: "End a run now", endpoint: do(d.terminateRun), action: "run.terminate"},
		{method: post, pattern: adm + "/purge", right: right.Runs, summary: "Delete finished runs for good", endpoint: do(d.purgeRuns), action: "run.purge"},
		{method: get, pattern: adm + "/nodes", right: right.Runs, summary: "List the processes that execute runs", endpoint: do(d.listNodes)},
		{method: get, pattern: adm + "/nodes/{id}", right: right.Runs, summary: "Show a process that executes runs", endpoint: do(d.showNode)},

		{method: get, pattern: adm + "/channels/{code}/connections", right: right.Channels, summary: "List a channel's open websockets, the oldest first", endpoint: do(d.listSockets)},
		{method: remove, pattern: adm + "/channels/{code}/connections/{id}", right: right.Channels, summary: "Close a websocket", endpoint: do(d.endSocket), status: http.StatusNoContent, action: "connection.close"},

		{method: get, pattern: adm + "/websockets", right: right.Channels, summary: "List the open websockets of all channels, the oldest first", endpoint: do(d.listAllSockets)},

		{method: get, pattern: adm + "/links", right: right.Runs, summary: "List links that can still be used, without their URLs, newest first", endpoint: do(d.listLinks)},
		{method: remove, pattern: adm + "/links/{id}", right: right.Runs, summary: "Revoke a link", endpoint: do(d.revokeLink), status: http.StatusNoContent, action: "link.revoke"},

		{method: get, pattern: adm + "/approvals", right: right.Approvals, summary: "List what people are asked to decide, newest first", endpoint: do(d.listApprovals)},
		{method: get, pattern: adm + "/approvals/{id}", right: right.Approvals, summary: "Show an approval", endpoint: do(d.showApproval)},
		{method: post, pattern: adm + "/approvals/{id}", right: right.Approvals, summary: "Decide an approval", endpoint: do(d.decideApproval), action: "approval.decide"},

		{method: get, pattern: adm + "/views", right: right.Records, summary: "List the classes' API views, and which are current", endpoint: do(d.listViews)},
		{method: get, pattern: adm + "/views/{code}", right: right.Records, summary: "Show an API view, by its name or its class", endpoint: do(d.showView)},
		{method: post, pattern: adm + "/views/refresh", right: right.Records, summary: "Make the classes' API views again", endpoint: do(d.refreshViews), action: "views.refresh"},

		{method: post, pattern: adm + "/schedules/{code}/run", right: right.Scenarios, summary: "Start a run of a schedule now", endpoint: do(d.runSchedule), status: http.StatusCreated, bodyless: true, action: "schedules.run"},
		{method: post, pattern: adm + "/schedules/{code}/pause", right: right.Scenarios, summary: "Keep a schedule from coming by itself, until it is resumed", endpoint: do(d.pauseSchedule), action: "schedules.pause"},
		{method: post, pattern: adm + "/schedules/{code}/resume", right: right.Scenarios, summary: "Let a paused schedule come again", endpoint: do(d.resumeSchedule), action: "schedules.resume"},

		{method: get, pattern: adm + "/accounts", right: right.Access, summary: "List accounts", endpoint: do(d.listAccounts)},
		{method: post, pattern: adm + "/accounts", right: admin, summary: "Create an account with every right", endpoint: do(d.createAccount), status: http.StatusCreated},
		{method: put, pattern: adm + "/accounts/{login}/password", right: right.Access, summary: "Give an account another password and end its sessions", endpoint: do(d.setPassword), bodyless: true},
		{method: get, pattern: adm + "/sessions", right: right.Access, summary: "List the sessions that have not ended", endpoint: do(d.listSessions)},
		{method: get, pattern: adm + "/sessions/{id}", right: right.Access, summary: "Show a session that has not ended", endpoint: do(d.showOneSession)},
		{method: remove, pattern: adm + "/sessions/{id}", right: right.Access, summary: "End a session", endpoint: do(d.endSession), status: http.StatusNoContent},
		{method: get, pattern: adm + "/tokens", right: right.Access, summary: "List API tokens", endpoint: do(d.listTokens)},
		{method: get, pattern: adm + "/tokens/{token}", right: right.Access, summary: "Show an API token by name or id, without its text", endpoint: do(d.showToken)},
		{method: post, pattern: adm + "/tokens", right: right.Access, summary: "Create an API token; its text is shown here only", endpoint: do(d.createToken), status: http.StatusCreated},
		{method: remove, pattern: adm + "/tokens/{token}", right: right.Access, summary: "Revoke an API token by name or id", endpoint: do(d.revokeToken)},
		{method: get, pattern: adm + "/secrets", right: right.Connections, summary: "List secrets by name", endpoint: do(d.listSecrets)},
		{method: get, pattern: adm + "/secrets/{name}", right: right.Connections, summary: "Show who has set a secret and when, never its value", endpoint: do(d.showSecret)},
		{method: put, pattern: adm + "/secrets/{name}", right: right.Connections, summary: "Set a secret; it is never shown", endpoint: do(d.setSecret), status: http.StatusNoContent},
		{method: remove, pattern: adm + "/secrets/{name}", right: right.Connections, summary: "Delete a secret", endpoint: do(d.deleteSecret), status: http.StatusNoContent},
		{method: get, pattern: adm + "/audit", right: right.Audit, summary: "Who changed what, newest first", endpoint: do(d.listAudit)},
		{method: get, pattern: adm + "/audit/{id}", right: right.Audit, summary: "Show an entry of the audit log", endpoint: do(d.showAudit)},

		{method: get, pattern: adm + "/configuration", right: right.Configuration, summary: "Export the whole configuration, without values of secrets", endpoint: do(d.exportConfiguration)},
		{method: post, pattern: adm + "/configuration/plan", right: right.Configuration, summary: "What applying a configuration would change", endpoint: shown[changes](do(d.planConfiguration)), limit: setLimit},
		{method: post, pattern: adm + "/configuration/apply", right: right.Configuration, summary: "Make the configuration so, in one transaction", endpoint: shown[changes](do(d.applyConfiguration)), limit: setLimit},
		{method: get, pattern: adm + "/events", right: right.Events, summary: "List events, newest first", endpoint: do(d.listEvents)},
		{method: get, pattern: adm + "/events/{id}", right: right.Events, summary: "Show an event", endpoint: do(d.showEvent)},

		{method: get, pattern: "/healthz", right: open, summary: "The process answers", endpoint: do(d.healthy)},
		{method: get, pattern: "/readyz", right: open, summary: "The database takes a write", endpoint: do(d.ready)},
		{method: get, pattern: "/metrics", right: open, rightNow: d.metricsRight, summary: "Metrics for Prometheus", endpoint: write[nothing]("text/plain", d.metrics())},
		{method: get, pattern: "/openapi.json", right: open, summary: "This document; with credentials, also what the caller may use", endpoint: d.openAPIFor()},
		{method: get, pattern: "/docs", right: signedIn, summary: "What the caller may use: classes, packets, functions", endpoint: d.docsIndex()},
		{method: get, pattern: "/docs/{kind}/{code}", right: signedIn, summary: "A class, a packet or a function with its fields and examples in several languages", endpoint: d.docsTopic()},
		{method: get, pattern: "/errors/{code}", right: open, summary: "What an error code means", endpoint: write[nothing]("text/html", d.explainError)},
		{method: get, pattern: "/{$}", right: open, summary: "The front page", endpoint: write[nothing]("text/html", d.front)},
	}
	for _, n := range []struct {
		kind, one string
		right     permission
		show      string
		list      func(noun) endpoint // nil where the list is another one
	}{
		{"channels", "channel", right.Channels, "Show a channel with its token and paths", listObjects[byChannel]},
		{"connections", "connection", right.Connections, "Show a connection; secrets stay references", listObjects[byConnection]},
		{"functions", "function", right.Scenarios, "Show a function", listObjects[byScenario]},
		{"schedules", "schedule", right.Scenarios, "Show a schedule with its next times and its last run", listObjects[bySchedule]},
		{"classes", "class", right.Records, "Show a class", listObjects[byNothing]},
		{"queries", "stored query", right.Records, "Show a stored query", listObjects[byNothing]},
		{"packets", "packet", right.Records, "Show a packet", listObjects[byNothing]},
		{"units", "unit", right.Access, "Show a unit of the organisation", listObjects[byUnit]},
		{"roles", "role", right.Access, "Show a role", listObjects[byNothing]},
		{"applications", "application", right.Access, "Show an application; its password stays a reference", listObjects[byRole]},
		{"accounts", "person", right.Access, "Show an account; of a person with the entry, whose password stays a reference", nil},
	} {
		routes = append(routes, noun{door: d, kind: n.kind}.routes(n.one, n.right, n.show, n.list)...)
	}
	return routes
}

// routes are the calls of a kind of configuration objects.
func (n noun) routes(one string, area permission, show string, list func(noun) endpoint) []route {
	pattern, read, write, drop := adm+"/"+n.kind+"/{code}", do(n.get), do(n.put), do(n.delete)
	if n.kind == "classes" {
		write, drop = do(n.putClass), do(n.deleteClass)
	}
	if n.kind == "accounts" {
		read = shown[object](do(n.getAccount))
	}
	routes := []route{
		{method: get, pattern: pattern, right: area, summary: show, endpoint: read},
		{method: put, pattern: pattern, right: area, summary: "Create or replace a " + one, endpoint: write, conditional: true},
		{method: remove, pattern: pattern, right: area, summary: "Delete a " + one, endpoint: drop, status: http.StatusNoContent, conditional: true},
	}
	if list == nil { // that of accounts has administrators and applications too
		return routes
	}
	return append(routes, route{method: get, pattern: adm + "/" + n.kind, right: area, summary: "List " + n.kind, endpoint: list(n)})
}

// settingsCode is the code of the one settings object.
const settingsCode = "default"
