package record

import (
	"sync"

	"junctor/internal/class"
	"junctor/internal/class/table"
	"junctor/internal/db"
	"junctor/internal/fault"
	"junctor/internal/filter"
	"junctor/internal/right"
)

// roles keeps what follows from a caller's rights and a class alone, so that it
// is not made again for each call: row filters with their parameters filled in,
// and the list of what can be seen. Both rights and classes are new values when
// they change.
type roles struct {
	sync.Mutex
	filters map[roleFilter]*filter.Expr
	lists   map[roleList]*list
}

type roleFilter struct {
	set   *right.Set
	class *class.Class
	expr  *filter.Expr
}

type roleList struct {
	set   *right.Set
	class *class.Class
}

// maxRoles bounds each of the two; then they are begun anew.
const maxRoles = 10_000

// bound is a role's filter on a class, checked and with its parameters.
func (s *Store) bound(a Actor, src *source, rows right.Row) (*filter.Expr, error) {
	key := roleFilter{a.Rights, src.class, rows.Filter}
	s.roles.Lock()
	e := s.roles.filters[key]
	s.roles.Unlock()
	if e != nil {
		return e, nil
	}
	b := &builder{store: s, model: src.model, actor: a}
	e, err := filter.Bind(rows.Filter, a.Rights.Account.Params())
	if err == nil {
		err = b.checked(b.seen(src.class, asSystem), e)
	}
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "The row filter of a role on the class %s cannot be used.", src.class.Code)
	}
	s.roles.Lock()
	defer s.roles.Unlock()
	if s.roles.filters == nil || len(s.roles.filters) >= maxRoles {
		s.roles.filters = map[roleFilter]*filter.Expr{}
	}
	s.roles.filters[key] = e
	return e, nil
}

// shown is the list of everything that the caller may see.
func (b *builder) shown(src *source) *list {
	if src.sight == asSystem || len(src.rights.Hidden) == 0 {
		return src.layout.all
	}
	key, s := roleList{b.actor.Rights, src.class}, b.store
	s.roles.Lock()
	defer s.roles.Unlock()
	if l := s.roles.lists[key]; l != nil {
		return l
	}
	if s.roles.lists == nil || len(s.roles.lists) >= maxRoles {
		s.roles.lists = map[roleList]*list{}
	}
	l := src.layout.everything(src.sees)
	s.roles.lists[key] = l
	return l
}

// asked is what was found to be current: many writes of one transaction ask once.
type asked struct {
	model *class.Model
	class *class.Class
}

func (s *Store) current(tx *db.Tx, m *class.Model, c *class.Class) error {
	return tx.Once(asked{m, c}, func() error { return table.Hold(tx, m, c) })
}
