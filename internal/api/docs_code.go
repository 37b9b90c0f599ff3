package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// language writes a request as a program that can be run as it stands: it takes
// the password from the environment, prints what it was answered, and fails when
// that is an error.
type language struct {
	ID, Name string
	write    func(p program) string
}

// program is a request for a program.
type program struct {
	docRequest
	URL, Login string
}

// languages are all of them, in the order in which they are shown.
var languages = []language{
	{"curl", "curl", writeCurl},
	{"python", "Python", writePython},
	{"csharp", "C#", writeCSharp},
	{"javascript", "JavaScript", writeJavaScript},
	{"php", "PHP", writePHP},
	{"java", "Java", writeJava},
	{"go", "Go", writeGo},
	{"1c", "1C", write1C},
}

// body is the request's body as compact JSON in ASCII, "" for none: no language
// has to be told of an encoding.
func (p program) body() string {
	if p.Body == nil {
		return ""
	}
	var b strings.Builder
	for _, r := range string(p.Body) {
		switch {
		case r < 0x80:
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// headers are those to be sent besides the credentials.
func (p program) headers() [][2]string {
	if p.Body == nil {
		return p.Header
	}
	return append([][2]string{{"Content-Type", "application/json"}}, p.Header...)
}

// double is a text between double quotes, as C and its heirs have it.
func double(text string) string { return strconv.QuoteToASCII(text) }

func single(text, quote string) string { return "'" + strings.ReplaceAll(text, "'", quote) + "'" }

// lines writes a template's lines with a format for each header.
func eachHeader(p program, format string, quote func(string) string) string {
	var b strings.Builder
	for _, h := range p.headers() {
		fmt.Fprintf(&b, format, quote(h[0]), quote(h[1]))
	}
	return b.String()
}

func writeCurl(p program) string {
	shell := func(text string) string { return single(text, `'\''`) }
	var b strings.Builder
	fmt.Fprintf(&b, "curl -sS --fail-with-body -u %s:\"$JUNCTOR_PASSWORD\" -X %s %s", p.Login, p.Method, shell(p.URL))
	for _, h := range p.headers() {
		fmt.Fprintf(&b, " \\\n  -H %s", shell(h[0]+": "+h[1]))
	}
	if p.Body != nil {
		fmt.Fprintf(&b, " \\\n  -d %s", shell(p.body()))
	}
	return b.String() + "\n"
}

func writePython(p program) string {
	body := "None"
	if p.Body != nil {
		body = "json.dumps(" + pythonValue(p.Body) + ").encode()"
	}
	return `import base64, json, os, urllib.request

request = urllib.request.Request(` + double(p.URL) + `, method="` + p.Method + `", data=` + body + `)
login = ` + double(p.Login) + ` + ":" + os.environ["JUNCTOR_PASSWORD"]
request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
` + eachHeader(p, "request.add_header(%s, %s)\n", double) + `with urllib.request.urlopen(request) as answer:
    print(answer.read().decode())
`
}

// pythonValue is JSON as a value of Python.
func pythonValue(raw json.RawMessage) string {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return "{}"
	}
	return python(v)
}

func python(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case json.Number:
		return v.String()
	case string:
		return double(v)
	case []any:
		all := make([]string, len(v))
		for i := range v {
			all[i] = python(v[i])
		}
		return "[" + strings.Join(all, ", ") + "]"
	case map[string]any:
		var all []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			all = append(all, double(name)+": "+python(v[name]))
		}
		return "{" + strings.Join(all, ", ") + "}"
	}
	return "None"
}

func writeJavaScript(p program) string {
	body := ""
	if p.Body != nil {
		body = "  body: JSON.stringify(" + p.body() + "),\n"
	}
	return `const login = ` + double(p.Login) + ` + ":" + process.env.JUNCTOR_PASSWORD;
const answer = await fetch(` + double(p.URL) + `, {
  method: "` + p.Method + `",
  headers: {
    Authorization: "Basic " + Buffer.from(login).toString("base64"),
` + eachHeader(p, "    %s: %s,\n", double) + `  },
` + body + `});
if (!answer.ok) throw new Error(answer.status + " " + await answer.text());
console.log(await answer.text());
`
}

func writePHP(p program) string {
	quote := func(text string) string { return single(strings.ReplaceAll(text, `\`, `\\`), `\'`) }
	body := ""
	if p.Body != nil {
		body = "    'content' => " + quote(p.body()) + ",\n"
	}
	return `<?php
$login = ` + quote(p.Login) + ` . ':' . getenv('JUNCTOR_PASSWORD');
$answer = file_get_contents(` + quote(p.URL) + `, false, stream_context_create(['http' => [
    'method' => '` + p.Method + `',
    'header' => [
        'Authorization: Basic ' . base64_encode($login),
` + eachHeader(p, "        %s . ': ' . %s,\n", quote) + `    ],
` + body + `]]));
if ($answer === false) exit(1);
echo $answer, "\n";
`
}

func writeJava(p program) string {
	publisher := "HttpRequest.BodyPublishers.noBody()"
	if p.Body != nil {
		publisher = "HttpRequest.BodyPublishers.ofString(" + double(p.body()) + ")"
	}
	return `import java.net.URI;
import java.net.http.*;
import java.util.Base64;

public class Main {
    public static void main(String[] args) throws Exception {
        String login = ` + double(p.Login) + ` + ":" + System.getenv("JUNCTOR_PASSWORD");
        HttpRequest request = HttpRequest.newBuilder(URI.create(` + double(p.URL) + `))
            .method("` + p.Method + `", ` + publisher + `)
            .header("Authorization", "Basic " + Base64.getEncoder().encodeToString(login.getBytes("UTF-8")))
` + eachHeader(p, "            .header(%s, %s)\n", double) + `            .build();
        HttpResponse<String> answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        if (answer.statusCode() >= 400) throw new Exception(answer.statusCode() + " " + answer.body());
        System.out.println(answer.body());
    }
}
`
}

func writeGo(p program) string {
	body := "nil"
	imports := "\t\"fmt\"\n\t\"io\"\n\t\"log\"\n\t\"net/http\"\n\t\"os\"\n"
	if p.Body != nil {
		quoted := "`" + p.body() + "`"
		if strings.Contains(p.body(), "`") {
			quoted = double(p.body())
		}
		body, imports = "strings.NewReader("+quoted+")", imports+"\t\"strings\"\n"
	}
	return `package main

import (
` + imports + `)

func main() {
	request, err := http.NewRequest("` + p.Method + `", ` + double(p.URL) + `, ` + body + `)
	if err != nil {
		log.Fatal(err)
	}
	request.SetBasicAuth(` + double(p.Login) + `, os.Getenv("JUNCTOR_PASSWORD"))
` + eachHeader(p, "\trequest.Header.Set(%s, %s)\n", double) + `	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		log.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= 400 {
		log.Fatal(answer.Status, string(text), err)
	}
	fmt.Println(string(text))
}
`
}

func writeCSharp(p program) string {
	body := ""
	if p.Body != nil {
		body = "request.Content = new StringContent(" + double(p.body()) + ", Encoding.UTF8, \"application/json\");\n"
	}
	var headers strings.Builder
	for _, h := range p.Header {
		fmt.Fprintf(&headers, "request.Headers.TryAddWithoutValidation(%s, %s);\n", double(h[0]), double(h[1]))
	}
	return `using System.Net.Http.Headers;
using System.Text;

var login = ` + double(p.Login) + ` + ":" + Environment.GetEnvironmentVariable("JUNCTOR_PASSWORD");
var request = new HttpRequestMessage(new HttpMethod("` + p.Method + `"), ` + double(p.URL) + `);
request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(login)));
` + headers.String() + body + `using var client = new HttpClient();
var answer = await client.SendAsync(request);
var text = await answer.Content.ReadAsStringAsync();
if (!answer.IsSuccessStatusCode) throw new Exception($"{(int)answer.StatusCode} {text}");
Console.WriteLine(text);
`
}

func write1C(p program) string {
	quote := func(text string) string { return `"` + strings.ReplaceAll(text, `"`, `""`) + `"` }
	scheme, rest, _ := strings.Cut(p.URL, "://")
	host, path, _ := strings.Cut(rest, "/")
	server, port, given := strings.Cut(host, ":")
	secure := ""
	if scheme == "https" {
		secure = ", Новый ЗащищенноеСоединениеOpenSSL"
		if !given {
			port = "443"
		}
	} else if !given {
		port = "80"
	}
	body := ""
	if p.Body != nil {
		body = "Запрос.УстановитьТелоИзСтроки(" + quote(p.body()) + ", КодировкаТекста.UTF8);\n"
	}
	return `// Пароль: значение, которое хранит ваша конфигурация
Соединение = Новый HTTPСоединение(` + quote(server) + `, ` + port + `, ` + quote(p.Login) + `, Пароль, , 30` + secure + `);
Запрос = Новый HTTPЗапрос(` + quote("/"+path) + `);
` + eachHeader(p, "Запрос.Заголовки.Вставить(%s, %s);\n", quote) + body + `Ответ = Соединение.ВызватьHTTPМетод("` + p.Method + `", Запрос);
Если Ответ.КодСостояния >= 400 Тогда
	ВызватьИсключение Ответ.ПолучитьТелоКакСтроку();
КонецЕсли;
Сообщить(Ответ.ПолучитьТелоКакСтроку());
`
}
