package channel

import "slices"

// standardKeys are the headers by which senders say that a message is a
// repetition: the one of the IETF's draft, and that of Standard Webhooks.
var standardKeys = []Source{header("Idempotency-Key"), header("Webhook-Id")}

// duplicateKeys is where a message of the schemes has what tells it from
// others, and is the same when it is sent again.
func duplicateKeys(verify []Scheme) []Source {
	var keys []Source
	add := func(more ...Source) {
		for _, key := range more {
			if !slices.ContainsFunc(keys, func(k Source) bool { return k.text == key.text }) {
				keys = append(keys, key)
			}
		}
	}
	for _, s := range verify {
		switch name, _ := s.secret(); name {
		case "standard-webhooks":
			add(header("Webhook-Id"))
		case "stripe": // https://docs.stripe.com/webhooks#handle-duplicate-events
			add(Source{text: "$.id", path: []segment{{name: "id", index: -1}}})
		case "github": // the same when it is delivered again; https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks
			add(header("X-GitHub-Delivery"))
		case "shopify": // https://shopify.dev/docs/apps/build/webhooks/ignore-duplicates
			// One event may come under several topics, each with a body of its own.
			event := header("X-Shopify-Event-Id")
			event.also = "X-Shopify-Topic"
			add(event, header("X-Shopify-Webhook-Id"))
		}
	}
	add(standardKeys...)
	return keys
}
