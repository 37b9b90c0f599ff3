package hub

import "junctor/internal/record"

// openRecords makes the store of records.
func (h *Hub) openRecords() { h.records = record.NewStore(record.Hooks{}, h.options.Clock.Now) }

// model is the classes as they are now.
func (h *Hub) model() *record.Model { return h.live.Load().snapshot.Model }
