# Compiles all programs. The same text in every Dockerfile of a C++ program: they are compiled once for all.
FROM debian:trixie-20260918-slim AS build
WORKDIR /src
COPY tools/install-dependencies tools/
RUN tools/install-dependencies build
COPY CMakeLists.txt CMakePresets.json version.txt ./
COPY cmake cmake
COPY gateway gateway
COPY apps apps
RUN cmake --preset release && \
    cmake --build build/release --target programs
# Another commit of the same sources compiles the one file that names it.
ARG VERSION=
ARG REVISION=
RUN export CI_PIPELINE_IID="${VERSION##*+}" CI_COMMIT_SHA="$REVISION" && \
    cmake --build build/release --target programs && \
    strip --strip-debug build/release/bin/*

FROM debian:trixie-20260918-slim
RUN apt-get update && \
    apt-get install -y --no-install-recommends \
        libcares2 libcrypt1 libfmt10 libllhttp9.2 libpq5 libprometheus-cpp-core1.0 \
        libre2-11 libsimdjson25 libsqlite3-0 libssl3t64 libuv1t64 libyaml-cpp0.8 && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /src/build/release/bin/app_b /usr/local/bin/
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="app-b" \
      org.opencontainers.image.description="The token service" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
USER 65532:65532
ENV LISTEN=:5001 PROBE_LISTEN=:9902
EXPOSE 5001 9902
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["app_b", "health"]
ENTRYPOINT ["app_b"]
