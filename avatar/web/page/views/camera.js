// A photo by the camera of a computer; phones have their own, which the file picker opens.

import { button, h } from "../dom.js";
import { t } from "../words.js";

export async function shoot(app, add) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 1920 }, facingMode: "user" } });
  } catch {
    app.trouble({ code: "no_camera", fault: "client", detail: t("camera.none"), remedy: "" });
    return;
  }
  const video = h("video", { autoplay: true, playsinline: true, "aria-hidden": "true" });
  video.muted = true;
  video.srcObject = stream;
  const take = async () => {
    const canvas = h("canvas", { width: video.videoWidth, height: video.videoHeight });
    canvas.getContext("2d").drawImage(video, 0, 0);
    const photo = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.95));
    if (photo) add([photo]);
    box.close();
  };
  const over = () => { stream.getTracks().forEach((track) => track.stop()); box.remove(); };
  const box = h("dialog", { class: "camera", "aria-labelledby": "camera-title", onclose: over },
    h("h2", { id: "camera-title" }, t("camera.title")), video,
    h("div", { class: "row end" }, button(t("cancel"), () => box.close()), button(t("camera.take"), take, { kind: "main", picture: "camera" })));
  document.body.append(box);
  box.showModal();
}
