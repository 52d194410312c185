# The image of kubewitness: one static binary, the certificate authorities of the
# public web, and the folder of the durable log. There is no shell and no libc.
#
#   docker build -t kubewitness:local .
#
# It runs as 65532:65532 on a read-only root; /var/lib/kubewitness alone is written
# to. The tests in test/deploy lay the final stage out and run it, without an engine.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /src
COPY . .
# Which modules to fetch is told by the packages: those of the tests are not needed.
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags=-s -o /out/kubewitness ./cmd/kubewitness
RUN mkdir -p /out/lib && mkdir -m 0700 /out/lib/kubewitness

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/kubewitness /usr/local/bin/kubewitness
# --chown is certain for what is in a copied folder, not for the folder.
COPY --from=build --chown=65532:65532 /out/lib/ /var/lib/
USER 65532:65532
VOLUME ["/var/lib/kubewitness"]
# The webhook, and health with metrics.
EXPOSE 9443 8080
ENTRYPOINT ["/usr/local/bin/kubewitness"]
CMD ["serve"]
