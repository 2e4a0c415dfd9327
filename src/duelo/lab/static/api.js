/* Talking with the server. Every answer that is not good becomes an ApiError with the server's own sentence. */

import { decode } from "./wire.js";

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** lang: "en" | "es", sent with every request; lost: the sentence for a server that does not answer. */
export function makeApi(lang, lost) {
  function url(path, query = {}) {
    const given = Object.entries({ ...query, lang }).filter(([, value]) => value !== undefined && value !== null);
    return `/api/${path}?${new URLSearchParams(given)}`;
  }

  async function ask(path, { query, method = "GET", body, signal } = {}) {
    const headers = { "X-Lang": lang };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(url(path, query), { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new ApiError(0, lost);
    }
    if (answer.ok) return answer;
    const told = await answer.json().catch(() => ({}));
    throw new ApiError(answer.status, typeof told.error === "string" ? told.error : `${answer.status} ${answer.statusText}`);
  }

  const json = async (path, options) => (await ask(path, options)).json();

  return {
    url,
    get: (path, query) => json(path, { query }),
    post: (path, body = {}) => json(path, { method: "POST", body }),
    patch: (path, body) => json(path, { method: "PATCH", body }),
    async binary(path, options) {
      const answer = await ask(path, options);
      return answer.status === 204 ? null : decode(await answer.arrayBuffer());
    },
    events(path, handlers, { onState } = {}) {
      const source = new EventSource(url(path));
      source.addEventListener("open", () => onState?.("open"));
      source.addEventListener("error", () => onState?.("lost"));
      for (const [name, handler] of Object.entries(handlers)) {
        source.addEventListener(name, (event) => handler(JSON.parse(event.data)));
      }
      return () => source.close();
    },
  };
}
