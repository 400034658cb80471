// What the authorization server remembers: every model of `oidc-provider` in one map, for the life of one test file.

const MODELS_OF_A_GRANT = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

/** Makes the adapter class of one server, so that two servers in one process share nothing. */
export function storage() {
  const items = new Map();
  const members = new Map();

  return class Storage {
    constructor(model) {
      this.model = model;
    }

    key(id) {
      return `${this.model}:${id}`;
    }

    async upsert(id, payload) {
      items.set(this.key(id), payload);
      if (payload.uid) items.set(`${this.model}.uid:${payload.uid}`, id);
      if (payload.grantId && MODELS_OF_A_GRANT.has(this.model)) {
        if (!members.has(payload.grantId)) members.set(payload.grantId, new Set());
        members.get(payload.grantId).add(this.key(id));
      }
    }

    async find(id) {
      return items.get(this.key(id));
    }

    async findByUid(uid) {
      return this.find(items.get(`${this.model}.uid:${uid}`));
    }

    async findByUserCode() {
      return undefined;
    }

    async consume(id) {
      items.get(this.key(id)).consumed = Math.floor(Date.now() / 1000);
    }

    async destroy(id) {
      items.delete(this.key(id));
    }

    async revokeByGrantId(grantId) {
      for (const key of members.get(grantId) ?? []) items.delete(key);
      members.delete(grantId);
    }
  };
}
