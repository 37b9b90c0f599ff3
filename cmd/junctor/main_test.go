package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"junctor/internal/db/dbtest"
	"junctor/internal/id"
)

// TestMain lets this test's binary be the command junctor.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"junctor": main})
}

// How commands are written, and what is said to who writes them wrongly.
func TestUsage(t *testing.T) { tell(t, "testdata/usage", "") }

// Stories of installations, on each database.
func TestStories(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { tell(t, "testdata/stories", "") })
	t.Run("postgres", func(t *testing.T) { tell(t, "testdata/stories", dbtest.URL(t)) })
}

// tell runs every file of a folder against a database of its own.
func tell(t *testing.T, dir, postgres string) {
	t.Helper()
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(env *testscript.Env) error {
			address, err := freeAddress()
			env.Setenv("ADDRESS", address)
			env.Setenv("URL", "http://"+address)
			env.Setenv("JUNCTOR_ADMIN_PASSWORD", "correct-horse")
			if err == nil && postgres != "" {
				err = freshDatabase(env, postgres)
			}
			return err
		},
		Condition: func(cond string) (bool, error) {
			if cond != "sqlite" {
				return false, fmt.Errorf("there is no condition %q", cond)
			}
			return postgres == "", nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits, "keep": keep, "ready": ready, "post": post, "certify": certify,
		},
	})
}

// freshDatabase makes a database beside the one of the URL, and drops it.
func freshDatabase(env *testscript.Env, server string) error {
	ctx := context.Background()
	name := "story_" + id.Token(12)
	do := func(statement string) error {
		connection, err := pgx.Connect(ctx, server)
		if err != nil {
			return err
		}
		_, err = connection.Exec(ctx, statement)
		return errors.Join(err, connection.Close(ctx))
	}
	u, err := url.Parse(server)
	if err != nil {
		return err
	}
	u.Path = "/" + name
	env.Setenv("JUNCTOR_DATABASE", u.String())
	env.Defer(func() {
		if err := do("DROP DATABASE IF EXISTS " + name + " WITH (FORCE)"); err != nil {
			env.T().Log("the story's database stays:", err)
		}
	})
	return do("CREATE DATABASE " + name)
}

// freeAddress is one on which nothing listens at the moment.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// exits CODE COMMAND...: runs the command and wants this exit code.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// keep NAME REGEXP: sets a variable to what the expression finds in the last
// command's stdout.
func keep(ts *testscript.TestScript, _ bool, args []string) {
	found := regexp.MustCompile(args[1]).FindString(ts.ReadFile("stdout"))
	if found == "" {
		ts.Fatalf("stdout has no %s", args[1])
	}
	ts.Setenv(args[0], found)
}

// ready [PATH]: waits until the server answers that it is, or what listens in
// its place answers to this path.
func ready(ts *testscript.TestScript, _ bool, args []string) {
	path := "/readyz"
	if len(args) > 0 {
		path = args[0]
	}
	// A server's self-signed certificate is as good as any other here.
	config := &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
	if pair, err := tls.LoadX509KeyPair(ts.MkAbs("client.pem"), ts.MkAbs("client.pem")); err == nil {
		config.Certificates = []tls.Certificate{pair}
	}
	client := http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	defer client.CloseIdleConnections()
	for every, limit := time.Tick(20*time.Millisecond), time.After(30*time.Second); ; {
		answer, err := client.Get(ts.Getenv("URL") + path) //nolint:noctx // bounded by the limit
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-every:
		case <-limit:
			ts.Fatalf("the server is not ready: %v", err)
		}
	}
}

// post PATH FILE STATUS: sends a message and prints the answer.
func post(ts *testscript.TestScript, _ bool, args []string) {
	answer, err := http.Post(ts.Getenv("URL")+args[0], "application/json", strings.NewReader(ts.ReadFile(args[1]))) //nolint:noctx // a test's
	ts.Check(err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o600))
	if strconv.Itoa(answer.StatusCode) != args[2] {
		ts.Fatalf("answered %d, want %s: %s", answer.StatusCode, args[2], body)
	}
}

// certify FILE: writes a certificate that is its own authority, and its key.
func certify(ts *testscript.TestScript, _ bool, args []string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	leaf, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	both := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})...)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), both, 0o600))
}
