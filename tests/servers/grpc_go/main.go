// SPDX-License-Identifier: MIT

// grpc_go ADDRESS: the health service of grpc-go.
package main

import (
	"log"
	"net"
	"os"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	pb "google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	network, address := "tcp", os.Args[1]
	if path := strings.TrimPrefix(address, "unix:"); path != address {
		network, address = "unix", path
	}
	listener, err := net.Listen(network, address)
	if err != nil {
		log.Fatal(err)
	}
	service := health.NewServer()
	service.SetServingStatus("up", pb.HealthCheckResponse_SERVING)
	service.SetServingStatus("down", pb.HealthCheckResponse_NOT_SERVING)
	server := grpc.NewServer()
	pb.RegisterHealthServer(server, service)
	log.Fatal(server.Serve(listener))
}
