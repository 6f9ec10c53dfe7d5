/** Lets the page work without its server: everything is kept when it is loaded first, and anew when it has changed. */
importScripts('files.js');

const CACHE = `impasto-${FILES.version}`;

addEventListener('install', (event) => {
  const keep = async () => (await caches.open(CACHE)).addAll(FILES.names.map((name) => new Request(name, { cache: 'reload' })));
  event.waitUntil(keep().then(() => skipWaiting()));
});

addEventListener('activate', (event) => {
  const old = (name) => name.startsWith('impasto-') && name !== CACHE;
  const clean = async () => Promise.all((await caches.keys()).filter(old).map((name) => caches.delete(name)));
  event.waitUntil(clean().then(() => clients.claim()));
});

addEventListener('fetch', (event) => {
  const { request } = event;
  const isOwn = request.method === 'GET' && new URL(request.url).href.startsWith(registration.scope);
  if (!isOwn) return;
  const answer = async () => (await (await caches.open(CACHE)).match(request, { ignoreSearch: true })) ?? fetch(request);
  event.respondWith(answer());
});
