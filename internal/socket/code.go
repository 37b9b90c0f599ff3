package socket

// The codes that say why a connection was closed (RFC 6455, 7.4.1, and the IANA
// registry of close codes).
const (
	Normal         = 1000
	GoingAway      = 1001 // the server stops
	ProtocolError  = 1002
	Unacceptable   = 1003 // a kind of message that is not taken
	NotUTF8        = 1007
	Policy         = 1008
	TooBig         = 1009
	InternalError  = 1011
	Restart        = 1012 // the server starts again at once
	TryAgainLater  = 1013
	noStatus       = 1005 // a close frame without a code; never sent
	Abnormal       = 1006 // the connection ended without a close frame; never sent
	firstPrivate   = 3000
	lastPrivate    = 4999
	badGateway     = 1014
	badCertificate = 1015 // of TLS; never sent
)

// Sendable reports whether a close frame may have the code: one that is
// registered and meant for frames, or of the libraries' and applications' own
// (3000 to 4999).
func Sendable(code int) bool {
	switch code {
	case 1004, noStatus, Abnormal, badCertificate:
		return false
	}
	return code >= Normal && code <= badGateway || code >= firstPrivate && code <= lastPrivate
}
