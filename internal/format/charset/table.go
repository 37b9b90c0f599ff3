package charset

import "golang.org/x/text/encoding/charmap"

// table is every encoding with its labels, the preferred one first, all in
// lower case.
var table = []struct {
	labels []string
	code   codec
}{
	{[]string{"utf-8", "utf8", "unicode-1-1-utf-8"}, utf8Codec{}},
	{[]string{"utf-16", "utf16", "unicode", "ucs-2"}, utf16Codec{}},
	{[]string{"utf-16le", "utf16le"}, utf16Codec{order: little}},
	{[]string{"utf-16be", "utf16be"}, utf16Codec{order: big}},

	{[]string{"us-ascii", "ascii", "iso646-us"}, bytesCodec{limit: 0x80, charmap: charmap.ISO8859_1}},
	{[]string{"windows-1250", "cp1250", "x-cp1250", "win1250"}, bytesCodec{charmap: charmap.Windows1250}},
	{[]string{"windows-1251", "cp1251", "x-cp1251", "win1251"}, bytesCodec{charmap: charmap.Windows1251}},
	{[]string{"windows-1252", "cp1252", "x-cp1252", "win1252", "ansi"}, bytesCodec{charmap: charmap.Windows1252}},
	{[]string{"windows-1253", "cp1253", "x-cp1253", "win1253"}, bytesCodec{charmap: charmap.Windows1253}},
	{[]string{"windows-1254", "cp1254", "x-cp1254", "win1254"}, bytesCodec{charmap: charmap.Windows1254}},
	{[]string{"windows-1255", "cp1255", "x-cp1255", "win1255"}, bytesCodec{charmap: charmap.Windows1255}},
	{[]string{"windows-1256", "cp1256", "x-cp1256", "win1256"}, bytesCodec{charmap: charmap.Windows1256}},
	{[]string{"windows-1257", "cp1257", "x-cp1257", "win1257"}, bytesCodec{charmap: charmap.Windows1257}},
	{[]string{"windows-1258", "cp1258", "x-cp1258", "win1258"}, bytesCodec{charmap: charmap.Windows1258}},

	{[]string{"iso-8859-1", "iso8859-1", "iso_8859-1", "latin1", "l1"}, bytesCodec{charmap: charmap.ISO8859_1}},
	{[]string{"iso-8859-2", "iso8859-2", "iso_8859-2", "latin2", "l2"}, bytesCodec{charmap: charmap.ISO8859_2}},
	{[]string{"iso-8859-3", "iso8859-3", "iso_8859-3", "latin3", "l3"}, bytesCodec{charmap: charmap.ISO8859_3}},
	{[]string{"iso-8859-4", "iso8859-4", "iso_8859-4", "latin4", "l4"}, bytesCodec{charmap: charmap.ISO8859_4}},
	{[]string{"iso-8859-5", "iso8859-5", "iso_8859-5", "cyrillic"}, bytesCodec{charmap: charmap.ISO8859_5}},
	{[]string{"iso-8859-6", "iso8859-6", "iso_8859-6", "arabic"}, bytesCodec{charmap: charmap.ISO8859_6}},
	{[]string{"iso-8859-7", "iso8859-7", "iso_8859-7", "greek"}, bytesCodec{charmap: charmap.ISO8859_7}},
	{[]string{"iso-8859-8", "iso8859-8", "iso_8859-8", "hebrew"}, bytesCodec{charmap: charmap.ISO8859_8}},
	{[]string{"iso-8859-9", "iso8859-9", "iso_8859-9", "latin5", "l5"}, bytesCodec{charmap: charmap.ISO8859_9}},
	{[]string{"iso-8859-10", "iso8859-10", "iso_8859-10", "latin6", "l6"}, bytesCodec{charmap: charmap.ISO8859_10}},
	{[]string{"iso-8859-11", "iso8859-11", "iso_8859-11", "thai", "tis-620"}, bytesCodec{control: true, charmap: charmap.Windows874}},
	{[]string{"iso-8859-13", "iso8859-13", "iso_8859-13", "latin7", "l7"}, bytesCodec{charmap: charmap.ISO8859_13}},
	{[]string{"iso-8859-14", "iso8859-14", "iso_8859-14", "latin8", "l8"}, bytesCodec{charmap: charmap.ISO8859_14}},
	{[]string{"iso-8859-15", "iso8859-15", "iso_8859-15", "latin9", "l9"}, bytesCodec{charmap: charmap.ISO8859_15}},
	{[]string{"iso-8859-16", "iso8859-16", "iso_8859-16", "latin10", "l10"}, bytesCodec{charmap: charmap.ISO8859_16}},

	{[]string{"koi8-r", "koi8", "koi"}, bytesCodec{charmap: charmap.KOI8R}},
	{[]string{"koi8-u", "koi8-ru"}, bytesCodec{charmap: charmap.KOI8U}},
	{[]string{"ibm437", "cp437", "437"}, bytesCodec{charmap: charmap.CodePage437}},
	{[]string{"ibm850", "cp850", "850"}, bytesCodec{charmap: charmap.CodePage850}},
	{[]string{"ibm852", "cp852", "852", "dos-latin2"}, bytesCodec{charmap: charmap.CodePage852}},
	{[]string{"ibm866", "cp866", "866"}, bytesCodec{charmap: charmap.CodePage866}},
}
