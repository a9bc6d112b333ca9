// SPDX-License-Identifier: MIT

// tls_go https|grpc ADDRESS CERTIFICATE KEY [AUTHORITY]: net/http or the health service of grpc-go, through
// crypto/tls. With an authority only clients that it has signed are let in.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net"
	"net/http"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	certificate, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	if len(os.Args) > 5 {
		text, err := os.ReadFile(os.Args[5])
		if err != nil {
			log.Fatal(err)
		}
		config.ClientCAs = x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(text)
		config.ClientAuth = tls.RequireAndVerifyClientCert
	}
	if os.Args[1] == "grpc" {
		listener, err := net.Listen("tcp", os.Args[2])
		if err != nil {
			log.Fatal(err)
		}
		server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
		pb.RegisterHealthServer(server, health.NewServer())
		log.Fatal(server.Serve(listener))
	}
	handler := http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) { out.Write([]byte("ok")) })
	server := &http.Server{Addr: os.Args[2], Handler: handler, TLSConfig: config}
	log.Fatal(server.ListenAndServeTLS("", ""))
}
