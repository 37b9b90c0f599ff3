package class

import "junctor/internal/right"

// Button is an action that people and applications start for records.
type Button struct {
	Code, Label, Scenario string
}

// Button finds a button of the class by its code; nil when there is none.
func (c *Class) Button(code string) *Button {
	for i := range c.Buttons {
		if c.Buttons[i].Code == code {
			return &c.Buttons[i]
		}
	}
	return nil
}

// Offered are the buttons that may be pressed with the rights, in the order of
// their codes. Pressing needs the right to read records.
func (c *Class) Offered(rights right.Class) (buttons []*Button) {
	for i := range c.Buttons {
		if b := &c.Buttons[i]; rights.Presses(b.Code) && !rights.Read.None() {
			buttons = append(buttons, b)
		}
	}
	return buttons
}
