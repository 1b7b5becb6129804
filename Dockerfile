# One image with both programs; the command chooses: `rollcall-api serve` or `rollcall-worker`.

FROM rust:1.95-bookworm AS build
WORKDIR /build
COPY . .
# The checked-in .sqlx stands in for the database.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/build/target \
    cargo build --release --locked --package rollcall-api --package rollcall-worker \
    && install --strip -D -t /out target/release/rollcall-api target/release/rollcall-worker

FROM debian:bookworm-slim
# Whom webhooks' receivers are known by.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --no-create-home --uid 10001 rollcall
COPY --from=build /out/ /usr/local/bin/
COPY scripts/healthcheck.sh /usr/local/bin/healthcheck
USER rollcall
ENV ROLLCALL_LISTEN=0.0.0.0:8080 \
    ROLLCALL_WORKER_LISTEN=0.0.0.0:8081
EXPOSE 8080 8081
CMD ["rollcall-api", "serve"]
