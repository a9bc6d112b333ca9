// SPDX-License-Identifier: MIT
// grpc_cpp ADDRESS: the health service that grpc++ brings with it. It prints `ready`.
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/health_check_service_interface.h>

#include <cstdio>

int main(int, char** argv) {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::ServerBuilder builder;
    grpc::CallbackGenericService other;
    builder.RegisterCallbackGenericService(&other);
    builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (server == nullptr) return 1;
    server->GetHealthCheckService()->SetServingStatus("up", true);
    server->GetHealthCheckService()->SetServingStatus("down", false);
    std::puts("ready");
    std::fflush(stdout);
    server->Wait();
}
