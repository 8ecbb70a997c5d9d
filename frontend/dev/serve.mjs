// Serves the development page: node dev/serve.mjs [PORT]
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PANEL = join(HERE, "../../custom_components/portshare/frontend/portshare-panel.js");
const TYPES = { ".html": "text/html", ".mjs": "text/javascript", ".js": "text/javascript" };

export function serve(port = 0) {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url, "http://localhost").pathname);
    let file = path === "/panel.js" ? PANEL : join(HERE, path);
    if (!extname(file)) file = join(HERE, "index.html");
    if (!existsSync(file)) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(file)], "cache-control": "no-store" });
    createReadStream(file).pipe(response);
  });
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => resolve(server));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const server = await serve(Number(process.argv[2] ?? 8099));
  console.log(`http://127.0.0.1:${server.address().port}/`);
}
