package access

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"junctor/internal/fault"
	"junctor/internal/limit"
)

// admit refuses an account that may not come from the address, or not now.
func (s *Store) admit(ctx context.Context, a Account, address string) error {
	d := &a.definition
	if len(d.Allow) > 0 && !allowed(d.Allow, address) {
		return s.refuse(ctx, a.Login, address, "not from this address",
			fault.New(fault.Forbidden, "the account %q may not come from %s; its address list is in the configuration", a.Login, address))
	}
	if len(d.Hours) == 0 {
		return nil
	}
	now := s.clock.Now().In(s.limits.Load().Zone)
	if !slices.ContainsFunc(d.Hours, func(h Hours) bool { return h.contains(now) }) {
		return s.refuse(ctx, a.Login, address, "not at this hour",
			fault.New(fault.Forbidden, "the account %q may not come in now, %s; its hours are in the configuration", a.Login, now.Format("Mon 15:04 MST")))
	}
	return nil
}

func allowed(networks []netip.Prefix, address string) bool {
	from, err := netip.ParseAddr(address)
	from = from.Unmap().WithZone("")
	return err == nil && slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(from) })
}

// refusalsNoted is how many refusals of one kind the audit log takes, from one
// address: a program that does not give up must not fill it.
var refusalsNoted = limit.Rule{Size: 3, Refill: time.Minute}

// refused is what the audit log calls it when somebody is not let in.
const refused = "session.refuse"

// refuse notes that an account was turned away, and returns the refusal.
func (s *Store) refuse(ctx context.Context, login, address, why string, refusal error) error {
	s.NoteRefusal(ctx, Entry{Author: login, Address: address, Action: refused, Object: "account/" + login, Detail: why})
	return refusal
}

// NoteRefusal writes to the audit log that somebody was refused something: three
// of a kind from an account and address, and then one a minute. That it could
// not be written changes nothing for whoever is refused.
func (s *Store) NoteRefusal(ctx context.Context, e Entry) {
	s.noteRefusal(ctx, e.Author+"\x00"+e.Object, e)
}

// noteRefusal counts by who is named, who may be another than the log names.
func (s *Store) noteRefusal(ctx context.Context, who string, e Entry) {
	if s.refusals.Take(strings.Join([]string{who, limit.Network(e.Address), e.Action, e.Detail}, "\x00")) == 0 {
		s.Record(ctx, e) //nolint:errcheck // see NoteRefusal
	}
}
