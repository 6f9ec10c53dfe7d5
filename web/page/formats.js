/** Pictures in formats that the engine does not read and this browser does: AVIF, in Safari HEIC. */

/**
 * A picture as the browser shows it, upright, as a PNG file.
 * @param {Uint8Array} file
 * @returns {Promise<Uint8Array|null>} null if the browser does not read it either
 */
export async function asPng(file) {
  try {
    const picture = await createImageBitmap(new Blob([file]));
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d').drawImage(picture, 0, 0);
    picture.close();
    const png = await canvas.convertToBlob({ type: 'image/png' });
    return new Uint8Array(await png.arrayBuffer());
  } catch {
    return null;
  }
}
