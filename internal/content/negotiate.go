package content

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"junctor/internal/fault"
	"junctor/internal/format/accept"
	"junctor/internal/format/csv"
	"junctor/internal/format/xml"
)

const (
	typeCSV        = "text/csv; charset=utf-8"
	typeProblem    = "application/problem+json"
	typeProblemXML = "application/problem+xml; charset=utf-8"
)

// Negotiate writes an answer's data in the form that the caller likes best, by
// the values of its header Accept (RFC 9110, 12.5.1): JSON, XML or CSV. Where
// several are liked the same, the first of these counts, and so does JSON where
// nothing is said. A problem becomes XML when no JSON is accepted, and is never
// refused; neither is data with a status of 400 and more, which then stays JSON,
// since it says more than a 406. What the scenario has given a type stays as it
// is.
//
// Errors: fault.NotAcceptable when the data cannot be written in any form that
// is accepted.
func (a *Answer) Negotiate(values []string) error { return a.NegotiateTable(values, nil) }

// NegotiateTable is Negotiate for data of which CSV shows a part, the table, and
// in it what a spreadsheet would compute as a text. nil is Negotiate.
func (a *Answer) NegotiateTable(values []string, table []byte) error {
	if len(values) == 0 || len(values) == 1 && (values[0] == "*/*" || values[0] == typeJSON) { // most are like this
		return nil
	}
	types := accept.ParseTypes(values)
	if !a.Data {
		if strings.HasPrefix(a.Header.Get("Content-Type"), typeProblem) {
			if body := ProblemXML(values, a.Body); body != nil {
				a.Body = body
				a.Header.Set("Content-Type", typeProblemXML)
			}
		}
		return nil
	}
	reasons := "" // why a form that is accepted could not be had
	for _, f := range preferred(types) {
		write, data := f.write, a.Body
		if f.contentType == typeCSV && table != nil {
			write, data = safeCSV, table
		}
		body, err := write(data)
		if err == nil {
			a.Body = body
			a.Header.Set("Content-Type", f.contentType)
			return nil
		}
		reasons += fmt.Sprintf(" %s cannot hold it: %s.", f.name, err)
	}
	if a.Status >= http.StatusBadRequest || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified {
		return nil
	}
	return fault.New(fault.NotAcceptable, "The answer is data, which can be had as application/json, application/xml or text/csv.%s", reasons)
}

// dataForm is a form that data can be written in.
type dataForm struct {
	name        string
	contentType string
	quality     float64
	write       func(data []byte) ([]byte, error)
}

// preferred lists the forms that are accepted, the best first.
func preferred(types accept.Types) []dataForm {
	forms := []dataForm{
		{"JSON", typeJSON, jsonQuality(types), func(data []byte) ([]byte, error) { return data, nil }},
		{"XML", typeXML, types.Quality("application/xml"), dataXML},
		{"CSV", typeCSV, types.Quality("text/csv"), dataCSV},
	}
	if q := types.Quality("text/xml"); q > forms[1].quality {
		forms[1].contentType, forms[1].quality = "text/xml; charset=utf-8", q
	}
	forms = slices.DeleteFunc(forms, func(f dataForm) bool { return f.quality == 0 })
	slices.SortStableFunc(forms, func(a, b dataForm) int {
		switch {
		case a.quality > b.quality:
			return -1
		case a.quality < b.quality:
			return 1
		}
		return 0
	})
	return forms
}

// jsonQuality counts every kind of JSON: who takes application/problem+json or
// application/hal+json takes JSON.
func jsonQuality(types accept.Types) float64 {
	q := types.Quality(typeJSON)
	other, named := types.Named(func(name string) bool { return name == "text/json" || strings.HasSuffix(name, "+json") })
	if _, itself := types.Named(func(name string) bool { return name == typeJSON }); named && !itself {
		return max(q, other)
	}
	return q
}

func dataXML(data []byte) ([]byte, error) {
	root, err := xml.FromData(data, xml.DataForm{Root: "answer", Item: "item"}, xml.Limits{})
	if err != nil {
		return nil, err
	}
	text, err := xml.Write(root, xml.WriteOptions{Declaration: true})
	return []byte(text), err
}

func dataCSV(data []byte) ([]byte, error) { return writeCSV(data, csv.Options{}) }

func safeCSV(data []byte) ([]byte, error) { return writeCSV(data, csv.Options{Formulas: true}) }

func writeCSV(data []byte, o csv.Options) ([]byte, error) {
	rows, err := csv.Table(data)
	if err != nil {
		return nil, err
	}
	text, err := csv.Write(rows, o)
	return []byte(text), err
}

// ProblemXML is a problem, given as JSON, as application/problem+xml (RFC 9457,
// appendix B) when the values of Accept want XML and no JSON; otherwise nil.
func ProblemXML(values []string, problem []byte) []byte {
	types := accept.ParseTypes(values)
	asXML, named := types.Named(func(name string) bool {
		return name == "application/problem+xml" || name == "application/xml" || name == "text/xml"
	})
	if !named {
		asXML = types.Quality("text/xml") // text/*
	}
	if asXML == 0 || jsonQuality(types) > 0 || !json.Valid(problem) {
		return nil
	}
	root, err := xml.FromData(problem, xml.DataForm{Root: "problem", Space: "urn:ietf:rfc:7807", Item: "i", Wrap: true}, xml.Limits{})
	if err != nil {
		return nil
	}
	text, err := xml.Write(root, xml.WriteOptions{Declaration: true})
	if err != nil {
		return nil
	}
	return []byte(text)
}
