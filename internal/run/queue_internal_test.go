package run

import "testing"

func TestFullQueueSaysOnceThatItIsRoomy(t *testing.T) {
	told := 0
	const limit = 64 << 10
	q := newQueue(limit, func() { told++ })
	var reserved []int
	for {
		room := q.reserve(1024 - weight%1024)
		if room == 0 {
			break
		}
		reserved = append(reserved, room)
	}
	if n := q.room(); n != 0 {
		t.Fatalf("a full queue has room for %d", n)
	}
	freed := 0
	for _, room := range reserved {
		q.free(room)
		freed += room
		if want := map[bool]int{true: 1}[freed >= limit/4]; told != want {
			t.Fatalf("told %d times after %d of %d bytes are free, want %d", told, freed, limit, want)
		}
	}
	if n := q.room(); n < 1 {
		t.Errorf("an empty queue has room for %d", n)
	}
	if q.size != 0 {
		t.Errorf("%d bytes are reserved of an empty queue", q.size)
	}
}

// A queue for a few runs takes them one at a time.
func TestSmallQueueHasRoomForOne(t *testing.T) {
	q := newQueue(2*weight, func() {})
	if n := q.room(); n != 1 {
		t.Errorf("room for %d, want 1", n)
	}
	if q.reserve(3*weight) != 0 {
		t.Error("it takes more than it may hold")
	}
	if room := q.reserve(0); room != weight || q.room() != 1 {
		t.Errorf("%d bytes reserved and room for %d more, want %d and 1", room, q.room(), weight)
	}
	q.close()
	if q.reserve(0) != 0 || q.room() != 0 {
		t.Error("a closed queue has room")
	}
}
