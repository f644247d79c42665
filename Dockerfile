# One executable with Bun in it, in an image that holds nothing else than what it is linked with.

FROM node:22-bookworm-slim AS build
WORKDIR /build
# First what says which packages there are: it changes less often than the sources, and is kept.
COPY package.json package-lock.json .npmrc ./
COPY web-debugger/package.json web-debugger/
COPY scripts/ scripts/
# Bun comes from npm too; install.js puts its binary in place, which npm may have been told not to do.
RUN npm ci --omit=dev && node node_modules/bun/install.js
COPY . .
RUN npm run compile

FROM gcr.io/distroless/base-debian12:nonroot
WORKDIR /etc/stomp-bridge
COPY --from=build /build/LICENSE /usr/share/doc/stomp-bridge/LICENSE
COPY --from=build /build/dist/stomp-bridge /usr/local/bin/stomp-bridge
# Not root. Mount a bridge.yaml into the working directory, or set variables.
USER 65532:65532
ENV HOST=0.0.0.0 PORT=8080
EXPOSE 8080
# Ready for nobody new, then closed in order: see docs/operations.md
STOPSIGNAL SIGTERM
# The process lives. Whether it should get clients is asked by "stomp-bridge healthcheck ready".
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 CMD ["/usr/local/bin/stomp-bridge", "healthcheck"]
ENTRYPOINT ["/usr/local/bin/stomp-bridge"]
CMD ["serve"]
