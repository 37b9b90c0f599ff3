package channel

import (
	"errors"
	"fmt"
	"time"

	"junctor/internal/db"
)

// Connection is an open websocket of a channel, at whichever node.
type Connection struct {
	ID       string    `json:"id"`
	Channel  string    `json:"channel"`
	Node     string    `json:"node"`
	Address  string    `json:"address"` // the peer's, behind trusted proxies
	OpenedAt time.Time `json:"opened_at"`
}

// Connections are the open websockets of all nodes, and what one node has to
// tell another's.
type Connections struct{ db *db.DB }

// NewConnections returns the connections of a database.
func NewConnections(d *db.DB) *Connections { return &Connections{db: d} }

// Open notes a connection.
func (c *Connections) Open(tx *db.Tx, one Connection) error {
	_, err := tx.Exec(`INSERT INTO channel_connections (id, channel, node, address, opened_at) VALUES ($1, $2, $3, $4, $5)`,
		one.ID, one.Channel, one.Node, one.Address, db.Micros(one.OpenedAt))
	if err != nil {
		return fmt.Errorf("note the connection: %w", err)
	}
	return nil
}

// Close forgets a connection, and reports whether it was known.
func (c *Connections) Close(tx *db.Tx, id string) (known bool, err error) {
	rows, err := tx.Exec(`DELETE FROM channel_connections WHERE id = $1`, id)
	if err != nil {
		return false, fmt.Errorf("forget the connection: %w", err)
	}
	return rows > 0, nil
}

const connectionColumns = `id, channel, node, address, opened_at`

func scanConnection(row interface{ Scan(into ...any) error }) (one Connection, err error) {
	var at int64
	err = row.Scan(&one.ID, &one.Channel, &one.Node, &one.Address, &at)
	one.OpenedAt = db.Time(at)
	return one, err
}

// Find is the connection with the id. Errors: db.ErrNoRows when there is none.
func (c *Connections) Find(tx *db.Tx, id string) (Connection, error) {
	one, err := scanConnection(tx.QueryRow(`SELECT `+connectionColumns+` FROM channel_connections WHERE id = $1`, id))
	if err != nil && !errors.Is(err, db.ErrNoRows) {
		err = fmt.Errorf("find the connection: %w", err)
	}
	return one, err
}

// List reads up to most connections of a channel and a node behind one, in the
// order of their ids; "" stands for all channels, or nodes.
func (c *Connections) List(tx *db.Tx, channel, node, after string, most int) ([]Connection, error) {
	where, args := "id > $1", []any{after, most}
	for _, f := range []struct{ column, value string }{{"channel", channel}, {"node", node}} {
		if f.value != "" {
			args = append(args, f.value)
			where += fmt.Sprintf(" AND %s = $%d", f.column, len(args))
		}
	}
	rows, err := tx.Query(`SELECT `+connectionColumns+` FROM channel_connections WHERE `+where+` ORDER BY id LIMIT $2`, args...)
	if err != nil {
		return nil, fmt.Errorf("list the connections: %w", err)
	}
	defer rows.Close()
	all := []Connection{}
	for rows.Next() {
		one, err := scanConnection(rows)
		if err != nil {
			return nil, fmt.Errorf("list the connections: %w", err)
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// Nodes counts the connections of a channel by their nodes.
func (c *Connections) Nodes(tx *db.Tx, channel string) (map[string]int, error) {
	return c.counted(tx, `SELECT node, COUNT(*) FROM channel_connections WHERE channel = $1 GROUP BY node`, channel)
}

// AllNodes counts all connections by their nodes.
func (c *Connections) AllNodes(tx *db.Tx) (map[string]int, error) {
	return c.counted(tx, `SELECT node, COUNT(*) FROM channel_connections GROUP BY node`)
}

func (c *Connections) counted(tx *db.Tx, query string, args ...any) (map[string]int, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("count the connections: %w", err)
	}
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var node string
		var n int64
		if err := rows.Scan(&node, &n); err != nil {
			return nil, fmt.Errorf("count the connections: %w", err)
		}
		counts[node] = int(n)
	}
	return counts, rows.Err()
}

// Order is what a node is asked to do with a connection of its own, or with all
// those of a channel: to send a message, or, when Code is given, to close it.
type Order struct {
	ID                  string
	Connection, Channel string // one of them
	Binary              bool
	Data                []byte
	Code                int
	Reason              string
	At                  time.Time // when it was asked: earlier orders are carried out first
}

// Post asks a node. The caller tells it by a notice.
func (c *Connections) Post(tx *db.Tx, node string, o Order) error {
	binary := 0
	if o.Binary {
		binary = 1
	}
	_, err := tx.Exec(`INSERT INTO channel_orders (id, node, connection, channel, bytes, data, code, reason, at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id, node) DO NOTHING`,
		o.ID, node, o.Connection, o.Channel, int64(binary), o.Data, int64(o.Code), o.Reason, db.Micros(o.At))
	if err != nil {
		return fmt.Errorf("ask node %s: %w", node, err)
	}
	return nil
}

// Take reads up to most of what a node is asked to do, in the order in which it
// was asked, and forgets it. When the node ends before it has done it, the
// connections have ended with it.
func (c *Connections) Take(tx *db.Tx, node string, most int) ([]Order, error) {
	rows, err := tx.Query(`SELECT id, connection, channel, bytes, data, code, reason FROM channel_orders WHERE node = $1 ORDER BY at, id LIMIT $2`, node, most)
	if err != nil {
		return nil, fmt.Errorf("read what this node is asked to do: %w", err)
	}
	defer rows.Close()
	var all []Order
	for rows.Next() {
		var o Order
		var binary, code int64
		if err := rows.Scan(&o.ID, &o.Connection, &o.Channel, &binary, &o.Data, &code, &o.Reason); err != nil {
			return nil, fmt.Errorf("read what this node is asked to do: %w", err)
		}
		o.Binary, o.Code = binary == 1, int(code)
		all = append(all, o)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	for _, o := range all {
		if _, err := tx.Exec(`DELETE FROM channel_orders WHERE id = $1 AND node = $2`, o.ID, node); err != nil {
			return nil, fmt.Errorf("forget what this node was asked to do: %w", err)
		}
	}
	return all, nil
}

// DropOrders forgets what nobody has done since: the connections have ended.
func (c *Connections) DropOrders(tx *db.Tx, before time.Time) error {
	_, err := tx.Exec(`DELETE FROM channel_orders WHERE at < $1`, db.Micros(before))
	return err
}
