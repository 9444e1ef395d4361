FROM node:24-slim AS build
WORKDIR /app
# The image has its Node already: install scripts would only fetch it a second time. What is native of sharp is a package of
# its own for each platform, and needs none.
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY tiler tiler
COPY server server
COPY viewer viewer
RUN npx tsc -p tsconfig.build.json && npx vite build viewer --logLevel warn
RUN npm prune --omit=dev --ignore-scripts --no-audit --no-fund

FROM node:24-slim
ENV NODE_ENV=production PORT=8080
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist dist
COPY data/base data/base
COPY LICENSE NOTICE CHANGELOG.md README.md ./
USER node
WORKDIR /data
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/app/dist/tiler/cli/main.js"]
CMD ["serve", "--host", "0.0.0.0", "/data"]
