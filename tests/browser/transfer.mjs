// Opens a page and tells what crossed the line for it: requests and bytes, by what they were for.
export async function measured(page, path) {
  const session = await page.context().newCDPSession(page);
  const answers = new Map();
  await session.send("Network.enable");
  session.on("Network.responseReceived", ({ requestId, response, type }) => {
    if (response.url.startsWith("http") && !response.fromDiskCache && !response.fromPrefetchCache) answers.set(requestId, { url: response.url, type, bytes: 0 });
  });
  session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    if (answers.has(requestId)) answers.get(requestId).bytes = encodedDataLength;
  });
  await page.goto(path, { waitUntil: "networkidle" });
  await session.detach();
  const list = [...answers.values()];
  const bytes = (type) => list.filter((answer) => !type || answer.type === type).reduce((sum, answer) => sum + answer.bytes, 0);
  return { requests: list.length, bytes: bytes(), html: bytes("Document"), css: bytes("Stylesheet"), js: bytes("Script"), list };
}
