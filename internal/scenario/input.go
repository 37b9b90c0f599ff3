package scenario

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"unicode/utf8"
	"unsafe"

	"junctor/internal/fault"
)

// Input is what a run of a scenario is started with: a message, described by
// Source and with its Content as it came, or plain data: a JSON value as
// Content and no Source.
type Input struct {
	Source  []byte // one JSON object, "" for plain data; ends in "binary":true} when Content is not UTF-8 text
	Content []byte
}

// ChangeSource is the Source of a change of a record: its Content is JSON, and the
// module makes decimals of what it names as such.
var ChangeSource = []byte(`{"change":true}`)

// Encode is the form in which a run keeps its input: the source, a line's end,
// the content.
func (in Input) Encode() []byte {
	b := make([]byte, 0, len(in.Source)+1+len(in.Content))
	b = append(b, in.Source...)
	b = append(b, '\n')
	return append(b, in.Content...)
}

// DecodeInput reads what Encode wrote.
func DecodeInput(b []byte) Input {
	source, content, _ := bytes.Cut(b, []byte{'\n'})
	return Input{Source: source, Content: content}
}

// binaryMark ends a source whose content is not UTF-8, or said to be something else.
var binaryMark = []byte(`"binary":true}`)

// Arguments are the input as the module takes it: texts. form is "base64" when
// that is how content stands for bytes, otherwise "".
func (in Input) Arguments() (source, content, form string) {
	if !bytes.HasSuffix(in.Source, binaryMark) && utf8.Valid(in.Content) {
		return text(in.Source), text(in.Content), ""
	}
	return string(in.Source), base64.StdEncoding.EncodeToString(in.Content), "base64"
}

// text is b as a string without a copy: a run's input does not change.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// socketMark begins the source of a websocket's message.
var socketMark = []byte(`{"connection":`)

// Revise is the input of a rerun: wanted, given in the form of Show, in the
// place of old. What is no description of a message is the message's new
// content, or the new data of a run that was started with data. Errors:
// fault.Unprocessable for a description whose body is no text or no base64.
func Revise(old, wanted []byte) ([]byte, error) {
	in := DecodeInput(old)
	var message map[string]json.RawMessage
	err := json.Unmarshal(wanted, &message)
	socket := bytes.HasPrefix(in.Source, socketMark) && message["connection"] != nil && message["channel"] != nil
	if err != nil || !socket && (message["method"] == nil || message["headers"] == nil) {
		in.Content, in.Source = wanted, textual(in.Source)
		return in.Encode(), nil
	}
	var body string
	if raw, ok := message["body"]; ok {
		if err := json.Unmarshal(raw, &body); err != nil {
			return nil, fault.New(fault.Unprocessable, "The rerun cannot be made.").
				WithFields(fault.Field{Pointer: "/input/body", Detail: "must be a text: the content, or its base64 when binary is true"})
		}
	}
	binary := string(message["binary"]) == "true"
	delete(message, "body")
	delete(message, "binary")
	source := textual(in.Source) // of a websocket's message only the content is another
	if !socket {
		if source, err = json.Marshal(message); err != nil {
			return nil, err
		}
	}
	content := []byte(body)
	if binary {
		if content, err = base64.StdEncoding.DecodeString(body); err != nil {
			return nil, fault.New(fault.Unprocessable, "The rerun cannot be made.").
				WithFields(fault.Field{Pointer: "/input/body", Detail: "is not base64, as it must be when binary is true"})
		}
		source = append(slices.Clone(source[:len(source)-1]), ","+string(binaryMark)...)
	}
	return Input{Source: source, Content: content}.Encode(), nil
}

// textual is the source of a websocket's message whose content is text; others
// stay as they are.
func textual(source []byte) []byte {
	if rest, ok := bytes.CutSuffix(source, append([]byte{','}, binaryMark...)); ok && bytes.HasPrefix(source, socketMark) {
		return append(slices.Clone(rest), '}')
	}
	return source
}

// Show is a run's input as people see it: the data, or the message's
// description with its "body".
func Show(_ string, input []byte) []byte {
	in := DecodeInput(input)
	if len(in.Source) == 0 || bytes.Equal(in.Source, ChangeSource) {
		return in.Content
	}
	var message map[string]json.RawMessage
	if err := json.Unmarshal(in.Source, &message); err != nil {
		return in.Source
	}
	_, content, _ := in.Arguments()
	body, err := json.Marshal(content)
	if err != nil {
		return in.Source
	}
	message["body"] = body
	shown, err := json.Marshal(message)
	if err != nil {
		return in.Source
	}
	return shown
}
