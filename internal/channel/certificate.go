package channel

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"time"
)

// ClientCertificate is what is kept of the certificate that a client has shown,
// and that the handshake has verified.
type ClientCertificate struct {
	Subject  string `json:"subject"` // in the form of RFC 2253
	Issuer   string `json:"issuer"`
	Serial   string `json:"serial"`    // in lower-case hexadecimal digits, two for each byte
	SHA256   string `json:"sha256"`    // of the whole certificate, in the same form
	NotAfter string `json:"not_after"` // RFC 3339, UTC
}

// clientCertificate is the connection's; nil when it has none.
func clientCertificate(connection *tls.ConnectionState) *ClientCertificate {
	if connection == nil || len(connection.PeerCertificates) == 0 {
		return nil
	}
	c := connection.PeerCertificates[0]
	sum := sha256.Sum256(c.Raw)
	return &ClientCertificate{
		Subject: c.Subject.String(), Issuer: c.Issuer.String(), Serial: hex.EncodeToString(c.SerialNumber.Bytes()),
		SHA256: hex.EncodeToString(sum[:]), NotAfter: c.NotAfter.UTC().Format(time.RFC3339),
	}
}

func (m *Message) appendCertificate(b []byte) []byte {
	c := m.ClientCertificate
	if c == nil {
		c = clientCertificate(m.Request.TLS)
	}
	if c == nil {
		return b
	}
	for _, member := range []struct{ name, value string }{
		{`,"client_certificate":{"subject":`, c.Subject}, {`,"issuer":`, c.Issuer}, {`,"serial":`, c.Serial},
		{`,"sha256":`, c.SHA256}, {`,"not_after":`, c.NotAfter},
	} {
		b = appendText(append(b, member.name...), member.value)
	}
	return append(b, '}')
}
