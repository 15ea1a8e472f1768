// Comforts on top of pages that work without any of this.
(() => {
  "use strict";
  const doc = document;

  // A form is sent once: a second press within eight seconds does nothing.
  doc.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    const now = Date.now();
    if (form.dataset.sent && now - form.dataset.sent < 8000) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = now;
    const button = event.submitter || form.querySelector("button");
    if (button) {
      button.setAttribute("aria-disabled", "true");
      setTimeout(() => button.removeAttribute("aria-disabled"), 8000);
    }
    if (able && form === readings) {
      event.preventDefault();
      keep(form)
        .catch(() => {})
        .then(() => {
          if (navigator.onLine) return form.submit();
          delete form.dataset.sent;
          if (button) button.removeAttribute("aria-disabled");
          waiting();
        });
    }
  });

  // Back to a cached page: its forms may be sent again.
  addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    doc.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
    doc.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
  });

  // Menus of the header close on Escape, on a press outside and when another one opens.
  const open = () => doc.querySelectorAll("details.pop[open]");
  doc.addEventListener("click", (event) => {
    open().forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  doc.addEventListener("focusin", (event) => {
    open().forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
  doc.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    open().forEach((menu) => {
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  });

  // What opens a fold («Показать», «Добавить») becomes «Скрыть» while it is open.
  doc.addEventListener(
    "toggle",
    (event) => {
      const link = event.target.matches(".fold") && event.target.querySelector(".fold__link");
      if (!link) return;
      link.dataset.opens = link.dataset.opens || link.textContent;
      link.textContent = event.target.open ? "Скрыть" : link.dataset.opens;
    },
    true,
  );

  // A button with `data-print` prints the page; it is hidden until this script runs.
  doc.querySelectorAll("[data-print]").forEach((button) => (button.hidden = false));
  doc.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) print();
  });

  // A photo is sent as large as somebody needs it: lines are slow, and the server takes 10 MB. What this cannot
  // do, it leaves as it is.
  const SIDE = 2560;
  const smaller = async (file) => {
    if (file.size < 1e6 || !/^image\/(jpeg|png|webp)$/.test(file.type)) return file;
    const picture = await createImageBitmap(file);
    const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
    const canvas = doc.createElement("canvas");
    canvas.width = Math.round(picture.width * scale);
    canvas.height = Math.round(picture.height * scale);
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
    if (!blob || blob.size >= file.size) return file;
    return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: blob.type });
  };
  doc.addEventListener("change", async (event) => {
    const input = event.target;
    if (input.type !== "file" || !self.createImageBitmap) return;
    const chosen = [...input.files];
    const files = await Promise.all(chosen.map((file) => smaller(file).catch(() => file)));
    // Others may have been chosen meanwhile.
    if (files.every((file, at) => file === chosen[at]) || chosen.some((file, at) => file !== input.files[at])) return;
    const box = new DataTransfer();
    files.forEach((file) => box.items.add(file));
    input.files = box.files;
  });

  // What a reading comes to while it is typed: the volume by itself, the preliminary charge by asking for it.
  const readings = doc.querySelector("form.readings");
  const number = (text) => {
    const plain = text.replace(/\s/g, "").replace(",", ".");
    return /^\d+(\.\d{0,3})?$/.test(plain) ? +plain : NaN;
  };
  const volume = (zone) => {
    const [value, delta] = [...zone.querySelectorAll("input")].map((input) => number(input.value));
    const used = isNaN(value) || !zone.dataset.last ? delta : value - zone.dataset.last / 1e7;
    if (used < 0) return "Меньше предыдущего показания";
    return used >= 0 ? "Расход: +" + used.toLocaleString("ru-RU") + "\u00a0" + zone.dataset.unit : "";
  };
  const money = (kopecks) => (kopecks / 100).toLocaleString("ru-RU", { style: "currency", currency: "RUB" });
  let asked = 0;
  const estimate = async () => {
    const mine = (asked += 1);
    const place = readings.querySelector(".estimate");
    if (!place || !readings.dataset.estimate) return;
    const rows = {};
    for (const { name, value } of readings.elements) {
      const [, meter, kind, zone] = /^meter_(.+?)_(value|delta)(?:_t(\d))?$/.exec(name) || [];
      if (!meter || !value.trim()) continue;
      rows[meter] = rows[meter] || { meter, values: ["", "", ""], deltas: ["", "", ""] };
      rows[meter][kind + "s"][(zone || 1) - 1] = value;
    }
    const body = JSON.stringify({ date: readings.elements.date.value, readings: Object.values(rows) });
    const headers = { "content-type": "application/json" };
    const answer = body.includes("meter") && (await fetch(readings.dataset.estimate, { method: "POST", headers, body }));
    const { period, total, change } = answer && answer.ok ? await answer.json() : {};
    if (mine !== asked) return;
    const month = (options) => new Date(period).toLocaleDateString("ru-RU", { timeZone: "UTC", ...options });
    place.textContent = period
      ? "Предварительное начисление за " + month({ month: "long" }) + " " + month({ year: "numeric" }) + ": " + money(total) +
        (change ? " (" + (change > 0 ? "+" : "\u2212") + money(Math.abs(change)) + ")" : "")
      : "";
  };
  let typing;
  if (readings) {
    readings.addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => {
        readings.querySelectorAll(".zone__use").forEach((place) => (place.textContent = volume(place.closest(".zone"))));
        estimate().catch(() => {});
      }, 500);
    });
  }

  // What is sent on «Передать показания» is kept until the server has answered it: sealed with a key that only pages
  // of this very resident and account know, so that whoever uses the device next finds nothing to read.
  const root = doc.documentElement;
  const [tag, secret] = (doc.body.dataset.draft || "").split(":");
  const offline = "offline" in doc.body.dataset;
  let store = {};
  try {
    store = localStorage;
  } catch (refused) {}
  if (offline) root.className = store.view || "";
  else store.view = root.className;
  if (tag) store.tag = tag;
  else if (!offline) delete store.tag;
  const slot = "draft:" + store.tag;
  const able = tag && self.crypto && crypto.subtle && crypto.randomUUID;
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const letters = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)));
  const crypt = async (way, iv, data) => {
    const key = await crypto.subtle.importKey("raw", bytes(secret), "AES-GCM", false, [way]);
    return crypto.subtle[way]({ name: "AES-GCM", iv }, key, data);
  };
  const pending = () => {
    const draft = JSON.parse(store[slot] || "null");
    if (draft && Date.now() - draft.at < 40 * 864e5) return draft;
    delete store[slot];
  };
  const add = (form, name, value) => {
    const input = form.elements[name] || form.appendChild(doc.createElement("input"));
    [input.type, input.name, input.value] = ["hidden", name, value];
  };
  const opened = new Date().toDateString();
  const keep = async (form) => {
    const typed = () => [...new FormData(form)].filter(([name, value]) => name !== "csrf" && value && typeof value === "string");
    const before = JSON.stringify(typed());
    // The same pressed again is the same sending.
    if (form.dataset.typed !== before) add(form, "once", crypto.randomUUID());
    form.dataset.typed = JSON.stringify(typed());
    const { date, once } = form.elements;
    // Typed on a later day than the page is of, and nobody chose a date: it is the day of typing.
    const late = date.value === date.defaultValue && opened !== new Date().toDateString();
    // Files are too large to wait here.
    const photo = [...new FormData(form)].some(([, value]) => value.size);
    const plain = { fields: typed(), action: form.getAttribute("action"), type: form.enctype, late };
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const data = await crypt("encrypt", iv, new TextEncoder().encode(JSON.stringify(plain)));
    store[slot] = JSON.stringify({ once: once.value, at: Date.now(), photo, iv: letters(iv), data: letters(data) });
  };
  const waiting = () => {
    const draft = pending();
    const place = doc.querySelector("[data-waiting]");
    if (!draft || !place) return;
    const when = new Date(draft.at).toLocaleString("ru-RU", { dateStyle: "short", timeStyle: "short" });
    place.innerHTML = "<p><b>Показания от <time></time> ждут отправки.</b> Мы отправим их, как только появится связь.</p>";
    place.querySelector("time").textContent = when;
    if (draft.photo) place.firstChild.append(" Фото без связи не сохраняется: приложите его потом ещё раз.");
    place.className = "notice";
  };
  const send = async () => {
    const draft = pending();
    waiting();
    const tries = +sessionStorage[slot] || 0;
    if (!draft || !able || !navigator.onLine || tries > 2) return;
    sessionStorage[slot] = tries + 1;
    const plain = await crypt("decrypt", bytes(draft.iv), bytes(draft.data));
    const { fields, action, type, late } = JSON.parse(new TextDecoder().decode(plain));
    const form = doc.body.appendChild(doc.createElement("form"));
    [form.method, form.action, form.enctype] = ["post", action, type];
    // The server reads the token before anything else.
    add(form, "csrf", doc.querySelector("[name=csrf]").value);
    fields.forEach(([name, value]) => add(form, name, late && name === "date" ? "" : value));
    add(form, "captured", draft.at);
    form.submit();
  };
  const answered = [new URLSearchParams(location.search).get("once"), readings && readings.elements.once && readings.elements.once.value];
  if (answered.includes((pending() || {}).once)) {
    delete store[slot];
    sessionStorage.removeItem(slot);
  }
  if (offline || /^\/(overview|meters\/readings)$/.test(location.pathname)) {
    const again = () => (offline ? location.replace(location.href) : send().catch(() => {}));
    send().catch(() => {});
    addEventListener("online", again);
    // A device may believe that it is connected when it is not, and never tell of a change.
    if (offline) setInterval(() => fetch("/sw.js").then(again, () => {}), 5000);
  }
  if (able && navigator.serviceWorker) navigator.serviceWorker.register("/sw.js").catch(() => {});

  // The error summary gets the focus also where `autofocus` on a <div> is unknown; its links reach the field itself.
  const summary = doc.querySelector(".govuk-error-summary");
  if (summary) {
    if (!("autofocus" in HTMLElement.prototype)) summary.focus();
    summary.addEventListener("click", (event) => {
      const field = event.target.hash && doc.getElementById(event.target.hash.slice(1));
      if (!field) return;
      event.preventDefault();
      const label = doc.querySelector('label[for="' + field.id + '"]');
      (label || field).scrollIntoView();
      field.focus({ preventScroll: true });
    });
  }
})();
