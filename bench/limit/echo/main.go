// Command echo is the yardstick for awaited channels: what net/http and
// encoding/json cost when nothing is kept. It decodes the order of the
// benchmark, computes its total and answers JSON.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
)

// order is the whole document, since a scenario's JSON.parse reads the whole
// document too.
type order struct {
	Number   string `json:"number"`
	Created  string `json:"created"`
	Currency string `json:"currency"`
	Customer struct {
		Code    string `json:"code"`
		Name    string `json:"name"`
		Email   string `json:"email"`
		Address struct {
			Street  string `json:"street"`
			City    string `json:"city"`
			Zip     string `json:"zip"`
			Country string `json:"country"`
		} `json:"address"`
	} `json:"customer"`
	Lines []struct {
		SKU      string   `json:"sku"`
		Name     string   `json:"name"`
		Quantity int      `json:"quantity"`
		Price    float64  `json:"price"`
		Tags     []string `json:"tags"`
	} `json:"lines"`
	Note string `json:"note"`
}

func total(w http.ResponseWriter, r *http.Request) {
	var o order
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	sum := 0.0
	for _, line := range o.Lines {
		sum += float64(line.Quantity) * line.Price
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(map[string]any{"number": o.Number, "total": sum}) //nolint:errcheck // the client is gone
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to serve")
	flag.Parse()
	if err := http.ListenAndServe(*listen, http.HandlerFunc(total)); err != nil {
		fmt.Fprintln(os.Stderr, "echo:", err)
		os.Exit(1)
	}
}
