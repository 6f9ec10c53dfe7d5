/** A still from the camera. */
import { button, el } from './dom.js';
import * as actions from './actions.js';
import { openDialog } from './dialog.js';
import { update } from './state.js';
import { words } from './words.js';

/** Opens the camera; what is taken goes to the input named `place`. */
export async function openCamera(place) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 3840 } } });
  } catch {
    update({ trouble: words.cameraNone });
    return;
  }
  const { body, foot, close } = openDialog(words.cameraTitle, () => stream.getTracks().forEach((track) => track.stop()));
  const video = el('video', { srcObject: stream, muted: true, playsInline: true });
  const still = el('canvas', { hidden: true, role: 'img', 'aria-label': words.cameraStill });
  // Before the first frame there is nothing to take.
  const take = button(words.cameraTake, () => freeze(true), { className: 'main', disabled: true });
  const again = button(words.cameraAgain, () => freeze(false));
  const use = button(words.use, accept, { className: 'main' });
  body.append(video, still);
  foot.append(take, again, use);
  freeze(false);
  await video.play();
  take.disabled = false;
  take.focus();

  function freeze(taken) {
    if (taken) {
      [still.width, still.height] = [video.videoWidth, video.videoHeight];
      still.getContext('2d').drawImage(video, 0, 0);
    }
    video.hidden = take.hidden = taken;
    still.hidden = again.hidden = use.hidden = !taken;
    (taken ? use : take).focus();
  }

  function accept() {
    still.toBlob((blob) => {
      close();
      actions.takeFiles([new File([blob], words.cameraName, { type: 'image/png' })], place);
    });
  }
}
