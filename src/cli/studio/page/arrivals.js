/** Pictures that come one after the other into one img element, without flicker and never more at once than it can show. */

const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

/**
 * Makes the img show what is wanted last. A picture is decoded before it takes the other's place, and the next is asked for
 * only when the last was shown; what was overtaken on the way is never asked for.
 * @param {HTMLImageElement} img
 * @param {(url: string|null) => void} shows is called when another is shown
 * @returns {(url: string|null, series?: any) => void} of another series not even a picture that is already loaded is shown
 */
export function arrivals(img, shows = () => {}) {
  let wanted = { url: null, series: null };
  let current = null;
  let busy = false;

  // Without it the browser may show nothing until a decoded picture is decoded again.
  img.decoding = 'sync';

  function put(url) {
    current = url;
    if (url === null) img.removeAttribute('src');
    else img.src = url;
    img.hidden = url === null;
    shows(url);
  }

  async function next() {
    if (busy || wanted.url === current) return;
    if (wanted.url === null) return put(null);
    // A page that nobody looks at costs nothing.
    if (document.hidden) return;
    busy = true;
    const { url, series } = wanted;
    const loaded = new Image();
    loaded.src = url;
    const good = await loaded.decode().then(
      () => true,
      () => false,
    );
    if (good && series === wanted.series) {
      put(url);
      await frame();
    } else if (!good && wanted.url === url) {
      // Asked for again only when another is wanted in between.
      wanted = { url: current, series };
    }
    busy = false;
    next();
  }

  document.addEventListener('visibilitychange', next);
  return (url, series = null) => {
    // What is left of another work is worse than nothing.
    if (series !== wanted.series && current !== null) put(null);
    wanted = { url, series };
    next();
  };
}
