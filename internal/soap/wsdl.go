package soap

import (
	"strconv"
	"strings"
)

// The name of the service, its port type and the beginnings of its bindings.
const serviceName = "Junctor"

const transport = "http://schemas.xmlsoap.org/soap/http"

// wsdl describes a service at an address (WSDL 1.1, with the bindings for SOAP 1.1
// and 1.2; document/literal wrapped).
func (s *service) wsdl(address string) []byte {
	var w writer
	w.WriteString(`<?xml version="1.0" encoding="utf-8"?>` + "\n")
	w.open("wsdl:definitions", "name", serviceName, "targetNamespace", namespace, "xmlns:tns", namespace,
		"xmlns:wsdl", "http://schemas.xmlsoap.org/wsdl/", "xmlns:xsd", "http://www.w3.org/2001/XMLSchema",
		"xmlns:soap", "http://schemas.xmlsoap.org/wsdl/soap/", "xmlns:soap12", "http://schemas.xmlsoap.org/wsdl/soap12/")
	w.open("wsdl:types")
	s.schema(&w)
	w.close("wsdl:types")
	for _, op := range s.operations {
		w.message(op.name, "parameters", op.name)
		w.message(op.name+"Response", "parameters", op.name+"Response")
	}
	w.message(serviceName+"Fault", "fault", "problem")
	s.portType(&w)
	s.binding(&w, "soap", "Soap11")
	s.binding(&w, "soap12", "Soap12")
	w.WriteByte('\n')
	w.open("wsdl:service", "name", serviceName)
	w.WriteString("<wsdl:documentation>Records and functions. Credentials are a Session element of this namespace in the header with a session's token or an API token, " +
		"a WS-Security UsernameToken, or HTTP's Basic or Bearer.</wsdl:documentation>")
	w.port("soap", "Soap11", address)
	w.port("soap12", "Soap12", address)
	w.close("wsdl:service")
	w.close("wsdl:definitions")
	w.WriteByte('\n')
	return w.Bytes()
}

func (w *writer) message(name, part, of string) {
	w.WriteByte('\n')
	w.open("wsdl:message", "name", name)
	w.leaf("wsdl:part", "name", part, "element", "tns:"+of)
	w.close("wsdl:message")
}

func (s *service) portType(w *writer) {
	w.WriteByte('\n')
	w.open("wsdl:portType", "name", serviceName+"Port")
	for _, op := range s.operations {
		w.WriteByte('\n')
		w.open("wsdl:operation", "name", op.name)
		w.some("wsdl:documentation", op.comment)
		w.leaf("wsdl:input", "message", "tns:"+op.name)
		w.leaf("wsdl:output", "message", "tns:"+op.name+"Response")
		w.leaf("wsdl:fault", "name", "problem", "message", "tns:"+serviceName+"Fault")
		w.close("wsdl:operation")
	}
	w.close("wsdl:portType")
}

func (s *service) binding(w *writer, prefix, suffix string) {
	w.WriteByte('\n')
	w.open("wsdl:binding", "name", serviceName+suffix, "type", "tns:"+serviceName+"Port")
	w.leaf(prefix+":binding", "style", "document", "transport", transport)
	for _, op := range s.operations {
		w.WriteByte('\n')
		w.open("wsdl:operation", "name", op.name)
		w.leaf(prefix+":operation", "soapAction", namespace+":"+op.name, "style", "document")
		for _, way := range []string{"wsdl:input", "wsdl:output"} {
			w.open(way)
			w.leaf(prefix+":body", "use", "literal")
			w.close(way)
		}
		w.open("wsdl:fault", "name", "problem")
		w.leaf(prefix+":fault", "name", "problem", "use", "literal")
		w.close("wsdl:fault")
		w.close("wsdl:operation")
	}
	w.close("wsdl:binding")
}

func (w *writer) port(prefix, suffix, address string) {
	w.open("wsdl:port", "name", serviceName+suffix, "binding", "tns:"+serviceName+suffix)
	w.leaf(prefix+":address", "location", address)
	w.close("wsdl:port")
}

// schema writes the types, and an element for each message.
func (s *service) schema(w *writer) {
	w.open("xsd:schema", "targetNamespace", namespace, "elementFormDefault", "qualified")
	w.leaf("xsd:element", "name", "Session", "type", xsString)
	w.leaf("xsd:element", "name", "problem", "type", "tns:"+problemType.name)
	for _, op := range s.operations {
		w.wrapper(op.name, op.in())
		w.wrapper(op.name+"Response", op.out)
	}
	for _, t := range s.types {
		w.WriteByte('\n')
		w.open("xsd:complexType", "name", t.name)
		w.annotation(t.comment)
		w.sequence(t.elements)
		w.close("xsd:complexType")
	}
	w.close("xsd:schema")
}

func (w *writer) wrapper(name string, elements []element) {
	w.WriteByte('\n')
	w.open("xsd:element", "name", name)
	w.open("xsd:complexType")
	w.sequence(elements)
	w.close("xsd:complexType")
	w.close("xsd:element")
}

func (w *writer) annotation(text string) {
	if text == "" {
		return
	}
	w.open("xsd:annotation")
	w.text("xsd:documentation", text)
	w.close("xsd:annotation")
}

func (w *writer) sequence(elements []element) {
	w.open("xsd:sequence")
	for _, e := range elements {
		w.element(e)
	}
	w.close("xsd:sequence")
}

func (w *writer) element(e element) {
	pairs := []string{"name", e.name}
	restricted := e.values != nil || e.length > 0 || e.digits > 0
	if e.inner == nil && !restricted {
		pairs = append(pairs, "type", e.kind)
	}
	if e.optional || e.many {
		pairs = append(pairs, "minOccurs", "0")
	}
	if e.many {
		pairs = append(pairs, "maxOccurs", "unbounded")
	}
	if e.nillable {
		pairs = append(pairs, "nillable", "true")
	}
	if e.inner == nil && !restricted && e.comment == "" {
		w.leaf("xsd:element", pairs...)
		return
	}
	w.open("xsd:element", pairs...)
	w.annotation(e.comment)
	switch {
	case e.inner != nil:
		w.open("xsd:complexType")
		w.sequence(e.inner)
		w.close("xsd:complexType")
	case restricted:
		w.restriction(e)
	}
	w.close("xsd:element")
}

// restriction writes a type of its own for one element, without a name: programs
// made from the WSDL have its base type then, and a value that is added later does
// not break them.
func (w *writer) restriction(e element) {
	w.open("xsd:simpleType")
	w.open("xsd:restriction", "base", e.kind)
	for _, v := range e.values {
		w.leaf("xsd:enumeration", "value", v)
	}
	if e.values == nil && e.length > 0 {
		w.leaf("xsd:maxLength", "value", strconv.Itoa(e.length))
	}
	if e.digits > 0 {
		w.leaf("xsd:totalDigits", "value", strconv.Itoa(e.digits))
		w.leaf("xsd:fractionDigits", "value", strconv.Itoa(e.fraction))
	}
	w.close("xsd:restriction")
	w.close("xsd:simpleType")
}

// isName reports whether a text can be the name of an element as it is.
func isName(text string) bool {
	for i, r := range text {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789-.", r)) {
			return false
		}
	}
	return text != ""
}
