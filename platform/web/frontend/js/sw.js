// The service worker. `FILES` stands before this text (see ../src/offline.rs): style sheets, script, logo, and the
// page that is shown without a network. No page of a person is ever kept.
const CACHE = "kabinet " + FILES.join(" ");

addEventListener("install", (event) => {
  skipWaiting();
  // Without cookies: the page is the same for everybody.
  const requests = FILES.map((file) => new Request(file, { credentials: "omit" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

addEventListener("activate", (event) => {
  const others = (names) => Promise.all(names.map((name) => name === CACHE || caches.delete(name)));
  event.waitUntil(caches.keys().then(others));
});

addEventListener("fetch", (event) => {
  const { request } = event;
  const kept = (address) => caches.match(address, { ignoreVary: true });
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => kept("/offline")));
  } else if (FILES.includes(new URL(request.url).pathname)) {
    event.respondWith(kept(request.url).then((file) => file || fetch(request)));
  }
});
