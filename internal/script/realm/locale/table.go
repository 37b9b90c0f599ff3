package locale

// table is what is known of one locale; gen.mjs makes it. In patterns of numbers #
// is the number and ¤ the currency; in those of dates {dd} and so on are the fields.
type table struct {
	Tag   string              `json:"tag"`
	Zones map[string][]string `json:"zones"` // short and long names, winter and summer
	Cycle string              `json:"cycle"` // h12 or h23
	Names map[string][]string `json:"names"` // of months and weekdays, by field
	Half  []string            `json:"halves"`
	Eras  [][]string          `json:"eras"` // long, short, narrow: before, after

	Date      map[string]string   `json:"date"` // by weekday, year, month, day
	Time      map[string]string   `json:"time"` // by hour, minute, second, cycle
	DateStyle []string            `json:"dateStyle"`
	TimeStyle map[string][]string `json:"timeStyle"` // by cycle
	Glue      struct {
		Style  []string `json:"style"`
		Fields []string `json:"fields"`
	} `json:"glue"`

	Number struct {
		Decimal         string `json:"decimal"`
		Group           string `json:"group"`
		Minus           string `json:"minus"`
		Plus            string `json:"plus"`
		Percent         string `json:"percent"`
		NaN             string `json:"nan"`
		Infinity        string `json:"infinity"`
		MinimumGrouping int    `json:"minimumGrouping"`
		Currency        string `json:"currency"`
		Accounting      string `json:"accounting"`
	} `json:"number"`
	Symbols       map[string]string            `json:"symbols"`
	Narrow        map[string]string            `json:"narrow"`
	CurrencyName  string                       `json:"currencyName"`
	CurrencyNames map[string]map[string]string `json:"currencyNames"`
	Units         map[string]map[string]string `json:"units"` // by unit and width, then plural form
	Compact       map[string][]compactForm     `json:"compact"`

	Lists    map[string][]string     `json:"lists"` // by type and style: between two, at the start, in the middle, at the end
	Relative map[string]relativeForm `json:"relative"`
}

// compactForm is how 10^3, 10^4, ... are written short.
type compactForm struct {
	Shift int               `json:"shift"`
	Forms map[string]string `json:"forms"`
}

type relativeForm struct {
	Future map[string]string `json:"future"`
	Past   map[string]string `json:"past"`
	Words  map[string]string `json:"words"`
}

// form takes the text for a plural form, or the one for all.
func form(forms map[string]string, category string) string {
	if text, ok := forms[category]; ok {
		return text
	}
	return forms["other"]
}
