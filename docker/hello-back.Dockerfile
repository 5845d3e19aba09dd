# Another team's program, as it came.
FROM debian:trixie-20260918-slim
RUN apt-get update && \
    apt-get install -y --no-install-recommends python3 python3-psycopg tini && \
    rm -rf /var/lib/apt/lists/*
COPY apps/hello_back/server.py /usr/local/bin/hello-back
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="hello-back" \
      org.opencontainers.image.description="The private back end of hello" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
USER 65532:65532
EXPOSE 8000
# It knows no /healthz. As the first process it would not hear SIGTERM, which Python leaves to the system.
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s \
    CMD ["python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 8000), 2)"]
ENTRYPOINT ["tini", "--", "python3", "-u", "/usr/local/bin/hello-back"]
