var Dr=Object.defineProperty;var Ir=Object.getOwnPropertyDescriptor;var d=(i,t,e,r)=>{for(var n=r>1?void 0:r?Ir(t,e):t,s=i.length-1,o;s>=0;s--)(o=i[s])&&(n=(r?o(t,e,n):o(n))||n);return r&&n&&Dr(t,e,n),n};var Re=globalThis,Le=Re.ShadowRoot&&(Re.ShadyCSS===void 0||Re.ShadyCSS.nativeShadow)&&"adoptedStyleSheets"in Document.prototype&&"replace"in CSSStyleSheet.prototype,st=Symbol(),Pt=new WeakMap,we=class{constructor(t,e,r){if(this._$cssResult$=!0,r!==st)throw Error("CSSResult is not constructable. Use `unsafeCSS` or `css` instead.");this.cssText=t,this.t=e}get styleSheet(){let t=this.o,e=this.t;if(Le&&t===void 0){let r=e!==void 0&&e.length===1;r&&(t=Pt.get(e)),t===void 0&&((this.o=t=new CSSStyleSheet).replaceSync(this.cssText),r&&Pt.set(e,t))}return t}toString(){return this.cssText}},Tt=i=>new we(typeof i=="string"?i:i+"",void 0,st),_=(i,...t)=>{let e=i.length===1?i[0]:t.reduce((r,n,s)=>r+(o=>{if(o._$cssResult$===!0)return o.cssText;if(typeof o=="number")return o;throw Error("Value passed to 'css' function must be a 'css' function result: "+o+". Use 'unsafeCSS' to pass non-literal values, but take care to ensure page security.")})(n)+i[s+1],i[0]);return new we(e,i,st)},Ct=(i,t)=>{if(Le)i.adoptedStyleSheets=t.map(e=>e instanceof CSSStyleSheet?e:e.styleSheet);else for(let e of t){let r=document.createElement("style"),n=Re.litNonce;n!==void 0&&r.setAttribute("nonce",n),r.textContent=e.cssText,i.appendChild(r)}},ot=Le?i=>i:i=>i instanceof CSSStyleSheet?(t=>{let e="";for(let r of t.cssRules)e+=r.cssText;return Tt(e)})(i):i;var{is:Hr,defineProperty:Nr,getOwnPropertyDescriptor:zr,getOwnPropertyNames:qr,getOwnPropertySymbols:Fr,getPrototypeOf:Ur}=Object,Oe=globalThis,Mt=Oe.trustedTypes,Gr=Mt?Mt.emptyScript:"",Br=Oe.reactiveElementPolyfillSupport,ke=(i,t)=>i,Ee={toAttribute(i,t){switch(t){case Boolean:i=i?Gr:null;break;case Object:case Array:i=i==null?i:JSON.stringify(i)}return i},fromAttribute(i,t){let e=i;switch(t){case Boolean:e=i!==null;break;case Number:e=i===null?null:Number(i);break;case Object:case Array:try{e=JSON.parse(i)}catch{e=null}}return e}},De=(i,t)=>!Hr(i,t),Rt={attribute:!0,type:String,converter:Ee,reflect:!1,useDefault:!1,hasChanged:De};Symbol.metadata??=Symbol("metadata"),Oe.litPropertyMetadata??=new WeakMap;var V=class extends HTMLElement{static addInitializer(t){this._$Ei(),(this.l??=[]).push(t)}static get observedAttributes(){return this.finalize(),this._$Eh&&[...this._$Eh.keys()]}static createProperty(t,e=Rt){if(e.state&&(e.attribute=!1),this._$Ei(),this.prototype.hasOwnProperty(t)&&((e=Object.create(e)).wrapped=!0),this.elementProperties.set(t,e),!e.noAccessor){let r=Symbol(),n=this.getPropertyDescriptor(t,r,e);n!==void 0&&Nr(this.prototype,t,n)}}static getPropertyDescriptor(t,e,r){let{get:n,set:s}=zr(this.prototype,t)??{get(){return this[e]},set(o){this[e]=o}};return{get:n,set(o){let c=n?.call(this);s?.call(this,o),this.requestUpdate(t,c,r)},configurable:!0,enumerable:!0}}static getPropertyOptions(t){return this.elementProperties.get(t)??Rt}static _$Ei(){if(this.hasOwnProperty(ke("elementProperties")))return;let t=Ur(this);t.finalize(),t.l!==void 0&&(this.l=[...t.l]),this.elementProperties=new Map(t.elementProperties)}static finalize(){if(this.hasOwnProperty(ke("finalized")))return;if(this.finalized=!0,this._$Ei(),this.hasOwnProperty(ke("properties"))){let e=this.properties,r=[...qr(e),...Fr(e)];for(let n of r)this.createProperty(n,e[n])}let t=this[Symbol.metadata];if(t!==null){let e=litPropertyMetadata.get(t);if(e!==void 0)for(let[r,n]of e)this.elementProperties.set(r,n)}this._$Eh=new Map;for(let[e,r]of this.elementProperties){let n=this._$Eu(e,r);n!==void 0&&this._$Eh.set(n,e)}this.elementStyles=this.finalizeStyles(this.styles)}static finalizeStyles(t){let e=[];if(Array.isArray(t)){let r=new Set(t.flat(1/0).reverse());for(let n of r)e.unshift(ot(n))}else t!==void 0&&e.push(ot(t));return e}static _$Eu(t,e){let r=e.attribute;return r===!1?void 0:typeof r=="string"?r:typeof t=="string"?t.toLowerCase():void 0}constructor(){super(),this._$Ep=void 0,this.isUpdatePending=!1,this.hasUpdated=!1,this._$Em=null,this._$Ev()}_$Ev(){this._$ES=new Promise(t=>this.enableUpdating=t),this._$AL=new Map,this._$E_(),this.requestUpdate(),this.constructor.l?.forEach(t=>t(this))}addController(t){(this._$EO??=new Set).add(t),this.renderRoot!==void 0&&this.isConnected&&t.hostConnected?.()}removeController(t){this._$EO?.delete(t)}_$E_(){let t=new Map,e=this.constructor.elementProperties;for(let r of e.keys())this.hasOwnProperty(r)&&(t.set(r,this[r]),delete this[r]);t.size>0&&(this._$Ep=t)}createRenderRoot(){let t=this.shadowRoot??this.attachShadow(this.constructor.shadowRootOptions);return Ct(t,this.constructor.elementStyles),t}connectedCallback(){this.renderRoot??=this.createRenderRoot(),this.enableUpdating(!0),this._$EO?.forEach(t=>t.hostConnected?.())}enableUpdating(t){}disconnectedCallback(){this._$EO?.forEach(t=>t.hostDisconnected?.())}attributeChangedCallback(t,e,r){this._$AK(t,r)}_$ET(t,e){let r=this.constructor.elementProperties.get(t),n=this.constructor._$Eu(t,r);if(n!==void 0&&r.reflect===!0){let s=(r.converter?.toAttribute!==void 0?r.converter:Ee).toAttribute(e,r.type);this._$Em=t,s==null?this.removeAttribute(n):this.setAttribute(n,s),this._$Em=null}}_$AK(t,e){let r=this.constructor,n=r._$Eh.get(t);if(n!==void 0&&this._$Em!==n){let s=r.getPropertyOptions(n),o=typeof s.converter=="function"?{fromAttribute:s.converter}:s.converter?.fromAttribute!==void 0?s.converter:Ee;this._$Em=n;let c=o.fromAttribute(e,s.type);this[n]=c??this._$Ej?.get(n)??c,this._$Em=null}}requestUpdate(t,e,r,n=!1,s){if(t!==void 0){let o=this.constructor;if(n===!1&&(s=this[t]),r??=o.getPropertyOptions(t),!((r.hasChanged??De)(s,e)||r.useDefault&&r.reflect&&s===this._$Ej?.get(t)&&!this.hasAttribute(o._$Eu(t,r))))return;this.C(t,e,r)}this.isUpdatePending===!1&&(this._$ES=this._$EP())}C(t,e,{useDefault:r,reflect:n,wrapped:s},o){r&&!(this._$Ej??=new Map).has(t)&&(this._$Ej.set(t,o??e??this[t]),s!==!0||o!==void 0)||(this._$AL.has(t)||(this.hasUpdated||r||(e=void 0),this._$AL.set(t,e)),n===!0&&this._$Em!==t&&(this._$Eq??=new Set).add(t))}async _$EP(){this.isUpdatePending=!0;try{await this._$ES}catch(e){Promise.reject(e)}let t=this.scheduleUpdate();return t!=null&&await t,!this.isUpdatePending}scheduleUpdate(){return this.performUpdate()}performUpdate(){if(!this.isUpdatePending)return;if(!this.hasUpdated){if(this.renderRoot??=this.createRenderRoot(),this._$Ep){for(let[n,s]of this._$Ep)this[n]=s;this._$Ep=void 0}let r=this.constructor.elementProperties;if(r.size>0)for(let[n,s]of r){let{wrapped:o}=s,c=this[n];o!==!0||this._$AL.has(n)||c===void 0||this.C(n,void 0,s,c)}}let t=!1,e=this._$AL;try{t=this.shouldUpdate(e),t?(this.willUpdate(e),this._$EO?.forEach(r=>r.hostUpdate?.()),this.update(e)):this._$EM()}catch(r){throw t=!1,this._$EM(),r}t&&this._$AE(e)}willUpdate(t){}_$AE(t){this._$EO?.forEach(e=>e.hostUpdated?.()),this.hasUpdated||(this.hasUpdated=!0,this.firstUpdated(t)),this.updated(t)}_$EM(){this._$AL=new Map,this.isUpdatePending=!1}get updateComplete(){return this.getUpdateComplete()}getUpdateComplete(){return this._$ES}shouldUpdate(t){return!0}update(t){this._$Eq&&=this._$Eq.forEach(e=>this._$ET(e,this[e])),this._$EM()}updated(t){}firstUpdated(t){}};V.elementStyles=[],V.shadowRootOptions={mode:"open"},V[ke("elementProperties")]=new Map,V[ke("finalized")]=new Map,Br?.({ReactiveElement:V}),(Oe.reactiveElementVersions??=[]).push("2.1.2");var lt=globalThis,Lt=i=>i,Ie=lt.trustedTypes,Ot=Ie?Ie.createPolicy("lit-html",{createHTML:i=>i}):void 0,dt="$lit$",Z=`lit$${Math.random().toFixed(9).slice(2)}$`,ct="?"+Z,jr=`<${ct}>`,ne=document,Se=()=>ne.createComment(""),Pe=i=>i===null||typeof i!="object"&&typeof i!="function",pt=Array.isArray,qt=i=>pt(i)||typeof i?.[Symbol.iterator]=="function",at=`[ 	
\f\r]`,Ae=/<(?:(!--|\/[^a-zA-Z])|(\/?[a-zA-Z][^>\s]*)|(\/?$))/g,Dt=/-->/g,It=/>/g,re=RegExp(`>|${at}(?:([^\\s"'>=/]+)(${at}*=${at}*(?:[^ 	
\f\r"'\`<>=]|("|')|))|$)`,"g"),Ht=/'/g,Nt=/"/g,Ft=/^(?:script|style|textarea|title)$/i,ht=i=>(t,...e)=>({_$litType$:i,strings:t,values:e}),a=ht(1),ae=ht(2),Wi=ht(3),I=Symbol.for("lit-noChange"),p=Symbol.for("lit-nothing"),zt=new WeakMap,ie=ne.createTreeWalker(ne,129);function Ut(i,t){if(!pt(i)||!i.hasOwnProperty("raw"))throw Error("invalid template strings array");return Ot!==void 0?Ot.createHTML(t):t}var Gt=(i,t)=>{let e=i.length-1,r=[],n,s=t===2?"<svg>":t===3?"<math>":"",o=Ae;for(let c=0;c<e;c++){let l=i[c],m,f,u=-1,v=0;for(;v<l.length&&(o.lastIndex=v,f=o.exec(l),f!==null);)v=o.lastIndex,o===Ae?f[1]==="!--"?o=Dt:f[1]!==void 0?o=It:f[2]!==void 0?(Ft.test(f[2])&&(n=RegExp("</"+f[2],"g")),o=re):f[3]!==void 0&&(o=re):o===re?f[0]===">"?(o=n??Ae,u=-1):f[1]===void 0?u=-2:(u=o.lastIndex-f[2].length,m=f[1],o=f[3]===void 0?re:f[3]==='"'?Nt:Ht):o===Nt||o===Ht?o=re:o===Dt||o===It?o=Ae:(o=re,n=void 0);let y=o===re&&i[c+1].startsWith("/>")?" ":"";s+=o===Ae?l+jr:u>=0?(r.push(m),l.slice(0,u)+dt+l.slice(u)+Z+y):l+Z+(u===-2?c:y)}return[Ut(i,s+(i[e]||"<?>")+(t===2?"</svg>":t===3?"</math>":"")),r]},Te=class i{constructor({strings:t,_$litType$:e},r){let n;this.parts=[];let s=0,o=0,c=t.length-1,l=this.parts,[m,f]=Gt(t,e);if(this.el=i.createElement(m,r),ie.currentNode=this.el.content,e===2||e===3){let u=this.el.content.firstChild;u.replaceWith(...u.childNodes)}for(;(n=ie.nextNode())!==null&&l.length<c;){if(n.nodeType===1){if(n.hasAttributes())for(let u of n.getAttributeNames())if(u.endsWith(dt)){let v=f[o++],y=n.getAttribute(u).split(Z),w=/([.?@])?(.*)/.exec(v);l.push({type:1,index:s,name:w[2],strings:y,ctor:w[1]==="."?Ne:w[1]==="?"?ze:w[1]==="@"?qe:oe}),n.removeAttribute(u)}else u.startsWith(Z)&&(l.push({type:6,index:s}),n.removeAttribute(u));if(Ft.test(n.tagName)){let u=n.textContent.split(Z),v=u.length-1;if(v>0){n.textContent=Ie?Ie.emptyScript:"";for(let y=0;y<v;y++)n.append(u[y],Se()),ie.nextNode(),l.push({type:2,index:++s});n.append(u[v],Se())}}}else if(n.nodeType===8)if(n.data===ct)l.push({type:2,index:s});else{let u=-1;for(;(u=n.data.indexOf(Z,u+1))!==-1;)l.push({type:7,index:s}),u+=Z.length-1}s++}}static createElement(t,e){let r=ne.createElement("template");return r.innerHTML=t,r}};function se(i,t,e=i,r){if(t===I)return t;let n=r!==void 0?e._$Co?.[r]:e._$Cl,s=Pe(t)?void 0:t._$litDirective$;return n?.constructor!==s&&(n?._$AO?.(!1),s===void 0?n=void 0:(n=new s(i),n._$AT(i,e,r)),r!==void 0?(e._$Co??=[])[r]=n:e._$Cl=n),n!==void 0&&(t=se(i,n._$AS(i,t.values),n,r)),t}var He=class{constructor(t,e){this._$AV=[],this._$AN=void 0,this._$AD=t,this._$AM=e}get parentNode(){return this._$AM.parentNode}get _$AU(){return this._$AM._$AU}u(t){let{el:{content:e},parts:r}=this._$AD,n=(t?.creationScope??ne).importNode(e,!0);ie.currentNode=n;let s=ie.nextNode(),o=0,c=0,l=r[0];for(;l!==void 0;){if(o===l.index){let m;l.type===2?m=new he(s,s.nextSibling,this,t):l.type===1?m=new l.ctor(s,l.name,l.strings,this,t):l.type===6&&(m=new Fe(s,this,t)),this._$AV.push(m),l=r[++c]}o!==l?.index&&(s=ie.nextNode(),o++)}return ie.currentNode=ne,n}p(t){let e=0;for(let r of this._$AV)r!==void 0&&(r.strings!==void 0?(r._$AI(t,r,e),e+=r.strings.length-2):r._$AI(t[e])),e++}},he=class i{get _$AU(){return this._$AM?._$AU??this._$Cv}constructor(t,e,r,n){this.type=2,this._$AH=p,this._$AN=void 0,this._$AA=t,this._$AB=e,this._$AM=r,this.options=n,this._$Cv=n?.isConnected??!0}get parentNode(){let t=this._$AA.parentNode,e=this._$AM;return e!==void 0&&t?.nodeType===11&&(t=e.parentNode),t}get startNode(){return this._$AA}get endNode(){return this._$AB}_$AI(t,e=this){t=se(this,t,e),Pe(t)?t===p||t==null||t===""?(this._$AH!==p&&this._$AR(),this._$AH=p):t!==this._$AH&&t!==I&&this._(t):t._$litType$!==void 0?this.$(t):t.nodeType!==void 0?this.T(t):qt(t)?this.k(t):this._(t)}O(t){return this._$AA.parentNode.insertBefore(t,this._$AB)}T(t){this._$AH!==t&&(this._$AR(),this._$AH=this.O(t))}_(t){this._$AH!==p&&Pe(this._$AH)?this._$AA.nextSibling.data=t:this.T(ne.createTextNode(t)),this._$AH=t}$(t){let{values:e,_$litType$:r}=t,n=typeof r=="number"?this._$AC(t):(r.el===void 0&&(r.el=Te.createElement(Ut(r.h,r.h[0]),this.options)),r);if(this._$AH?._$AD===n)this._$AH.p(e);else{let s=new He(n,this),o=s.u(this.options);s.p(e),this.T(o),this._$AH=s}}_$AC(t){let e=zt.get(t.strings);return e===void 0&&zt.set(t.strings,e=new Te(t)),e}k(t){pt(this._$AH)||(this._$AH=[],this._$AR());let e=this._$AH,r,n=0;for(let s of t)n===e.length?e.push(r=new i(this.O(Se()),this.O(Se()),this,this.options)):r=e[n],r._$AI(s),n++;n<e.length&&(this._$AR(r&&r._$AB.nextSibling,n),e.length=n)}_$AR(t=this._$AA.nextSibling,e){for(this._$AP?.(!1,!0,e);t!==this._$AB;){let r=Lt(t).nextSibling;Lt(t).remove(),t=r}}setConnected(t){this._$AM===void 0&&(this._$Cv=t,this._$AP?.(t))}},oe=class{get tagName(){return this.element.tagName}get _$AU(){return this._$AM._$AU}constructor(t,e,r,n,s){this.type=1,this._$AH=p,this._$AN=void 0,this.element=t,this.name=e,this._$AM=n,this.options=s,r.length>2||r[0]!==""||r[1]!==""?(this._$AH=Array(r.length-1).fill(new String),this.strings=r):this._$AH=p}_$AI(t,e=this,r,n){let s=this.strings,o=!1;if(s===void 0)t=se(this,t,e,0),o=!Pe(t)||t!==this._$AH&&t!==I,o&&(this._$AH=t);else{let c=t,l,m;for(t=s[0],l=0;l<s.length-1;l++)m=se(this,c[r+l],e,l),m===I&&(m=this._$AH[l]),o||=!Pe(m)||m!==this._$AH[l],m===p?t=p:t!==p&&(t+=(m??"")+s[l+1]),this._$AH[l]=m}o&&!n&&this.j(t)}j(t){t===p?this.element.removeAttribute(this.name):this.element.setAttribute(this.name,t??"")}},Ne=class extends oe{constructor(){super(...arguments),this.type=3}j(t){this.element[this.name]=t===p?void 0:t}},ze=class extends oe{constructor(){super(...arguments),this.type=4}j(t){this.element.toggleAttribute(this.name,!!t&&t!==p)}},qe=class extends oe{constructor(t,e,r,n,s){super(t,e,r,n,s),this.type=5}_$AI(t,e=this){if((t=se(this,t,e,0)??p)===I)return;let r=this._$AH,n=t===p&&r!==p||t.capture!==r.capture||t.once!==r.once||t.passive!==r.passive,s=t!==p&&(r===p||n);n&&this.element.removeEventListener(this.name,this,r),s&&this.element.addEventListener(this.name,this,t),this._$AH=t}handleEvent(t){typeof this._$AH=="function"?this._$AH.call(this.options?.host??this.element,t):this._$AH.handleEvent(t)}},Fe=class{constructor(t,e,r){this.element=t,this.type=6,this._$AN=void 0,this._$AM=e,this.options=r}get _$AU(){return this._$AM._$AU}_$AI(t){se(this,t)}},Bt={M:dt,P:Z,A:ct,C:1,L:Gt,R:He,D:qt,V:se,I:he,H:oe,N:ze,U:qe,B:Ne,F:Fe},Wr=lt.litHtmlPolyfillSupport;Wr?.(Te,he),(lt.litHtmlVersions??=[]).push("3.3.3");var jt=(i,t,e)=>{let r=e?.renderBefore??t,n=r._$litPart$;if(n===void 0){let s=e?.renderBefore??null;r._$litPart$=n=new he(t.insertBefore(Se(),s),s,void 0,e??{})}return n._$AI(i),n};var ut=globalThis,b=class extends V{constructor(){super(...arguments),this.renderOptions={host:this},this._$Do=void 0}createRenderRoot(){let t=super.createRenderRoot();return this.renderOptions.renderBefore??=t.firstChild,t}update(t){let e=this.render();this.hasUpdated||(this.renderOptions.isConnected=this.isConnected),super.update(t),this._$Do=jt(e,this.renderRoot,this.renderOptions)}connectedCallback(){super.connectedCallback(),this._$Do?.setConnected(!0)}disconnectedCallback(){super.disconnectedCallback(),this._$Do?.setConnected(!1)}render(){return I}};b._$litElement$=!0,b.finalized=!0,ut.litElementHydrateSupport?.({LitElement:b});var Kr=ut.litElementPolyfillSupport;Kr?.({LitElement:b});(ut.litElementVersions??=[]).push("4.2.2");var Vr={attribute:!0,type:String,converter:Ee,reflect:!1,hasChanged:De},Zr=(i=Vr,t,e)=>{let{kind:r,metadata:n}=e,s=globalThis.litPropertyMetadata.get(n);if(s===void 0&&globalThis.litPropertyMetadata.set(n,s=new Map),r==="setter"&&((i=Object.create(i)).wrapped=!0),s.set(e.name,i),r==="accessor"){let{name:o}=e;return{set(c){let l=t.get.call(this);t.set.call(this,c),this.requestUpdate(o,l,i,!0,c)},init(c){return c!==void 0&&this.C(o,void 0,i,c),c}}}if(r==="setter"){let{name:o}=e;return function(c){let l=this[o];t.call(this,c),this.requestUpdate(o,l,i,!0,c)}}throw Error("Unsupported decorator location: "+r)};function h(i){return(t,e)=>typeof e=="object"?Zr(i,t,e):((r,n,s)=>{let o=n.hasOwnProperty(s);return n.constructor.createProperty(s,r),o?Object.getOwnPropertyDescriptor(n,s):void 0})(i,t,e)}function g(i){return h({...i,state:!0,attribute:!1})}var le=(i,t,e)=>(e.configurable=!0,e.enumerable=!0,Reflect.decorate&&typeof t!="object"&&Object.defineProperty(i,t,e),e);function S(i,t){return(e,r,n)=>{let s=o=>o.renderRoot?.querySelector(i)??null;if(t){let{get:o,set:c}=typeof r=="object"?e:n??(()=>{let l=Symbol();return{get(){return this[l]},set(m){this[l]=m}}})();return le(e,r,{get(){let l=o.call(this);return l===void 0&&(l=s(this),(l!==null||this.hasUpdated)&&c.call(this,l)),l}})}return le(e,r,{get(){return s(this)}})}}function x(i){return t=>{customElements.get(i)||customElements.define(i,t)}}var O={tcp:"TCP",udp:"UDP",tcp_udp:"TCP + UDP",esp:"ESP",gre:"GRE",ping6:"Ping",exposed_host:""};function de(i){return i==="tcp"||i==="udp"||i==="tcp_udp"}function F(i,t){return i===null?"":t===null||t===i?`${i}`:`${i}–${t}`}function Ge(i){return i.ipv4?F(i.external_port,i.external_port_end):""}function Wt(i){return i.ipv6?F(i.port,i.port_end):""}function Kt(i){return i.address!==null}var Ue=class{constructor(t){this.number=t=>new Intl.NumberFormat(this.language).format(t);this.time=t=>this.dateTime(t,{timeStyle:"short"});this.timeWithSeconds=t=>this.dateTime(t,{timeStyle:"medium"});this.date=t=>this.dateTime(t,{weekday:"long",day:"numeric",month:"long"});this.moment=t=>this.dateTime(t,{dateStyle:"medium",timeStyle:"short"});this.language=t.locale.language,this.timeZone=t.locale.time_zone==="server"?t.config.time_zone:void 0;let e=t.locale.time_format;this.hour12=e==="12"?!0:e==="24"?!1:void 0}recent(t){return this.date(t)===this.date(new Date().toISOString())?this.time(t):this.moment(t)}bytes(t){let e=["byte","kilobyte","megabyte","gigabyte","terabyte"],r=Math.min(e.length-1,Math.floor(Math.log10(Math.max(t,1))/3)),n={style:"unit",unit:e[r],maximumSignificantDigits:3};return new Intl.NumberFormat(this.language,n).format(t/1e3**r)}duration(t){let e=Math.max(0,Math.ceil(t/1e3)),r=Math.ceil(e/60);if(e<60)return this.unit(e,"second");let[n,s]=[Math.floor(r/1440),Math.floor(r%1440/60)];return(n?[this.unit(n,"day"),s&&this.unit(s,"hour")]:[s&&this.unit(s,"hour"),r%60&&this.unit(r%60,"minute")]).filter(Boolean).join(" ")}unit(t,e){let r={style:"unit",unit:e,unitDisplay:"short"};return new Intl.NumberFormat(this.language,r).format(t)}dateTime(t,e){let r={...e};return this.timeZone&&(r.timeZone=this.timeZone),this.hour12!==void 0&&(r.hour12=this.hour12),new Intl.DateTimeFormat(this.language,r).format(new Date(t))}};var Vt={title:"Portfreigaben",menu:"Menü",views:"Ansichten",view_shares:"Geräte",view_log:"Ereignisse",view_picture:"Bild",absent_waiting:"Warte auf Home Assistant …",absent_starting:"Home Assistant startet noch. Diese Seite erscheint von selbst.",absent_not_running:"Portfreigaben laufen nicht. Sieh dir den Fehler der Integration in den Einstellungen von Home Assistant an; diese Seite erscheint von selbst, wenn sie wieder laufen.",absent_forbidden:"Nur Administratoren können sehen und ändern, was offen ist.",disconnected:"Die Verbindung zu Home Assistant ist unterbrochen. Was du siehst, kann veraltet sein.",internet:"Internet",internet_both:"Verbunden über IPv4 und IPv6",internet_ipv4:"Nur über IPv4 verbunden",internet_ipv6:"Nur über IPv6 verbunden",internet_none:"Keine Internetverbindung",gateway:"Gateway",gateway_unavailable:"Der Kernel des Gateways lässt sich gerade nicht fragen. Was du siehst, war vorher bekannt.",overview:"Auf einen Blick",address_ipv4:"IPv4-Adresse",address_ipv6:"IPv6-Adresse",dns_name:"DNS-Name",open_ports_one:"offener Port",open_ports_other:"offene Ports",ports_open_one:"{count} Port offen",ports_open_other:"{count} Ports offen",add_device:"Gerät für Freigaben hinzufügen",close_all:"Alles schließen",close_all_title:"Alles schließen?",close_all_body:"Jede Freigabe wird sofort ausgeschaltet, und was Geräte selbst geöffnet haben, wird geschlossen. Laufende Verbindungen werden getrennt. Nichts wird gelöscht: Du kannst jede Freigabe wieder einschalten.",close_all_done:"Alles ist geschlossen.",disable_independent:"Selbstständige Portfreigaben deaktivieren",disable_independent_title:"Selbstständige Portfreigaben deaktivieren?",disable_independent_body_one:"{count} Gerät darf selbst Ports öffnen und hat das nicht genutzt. Es verliert diese Erlaubnis. Was andere Geräte geöffnet haben, bleibt offen.",disable_independent_body_other:"{count} Geräte dürfen selbst Ports öffnen und haben das nicht genutzt. Sie verlieren diese Erlaubnis. Was andere Geräte geöffnet haben, bleibt offen.",disable_independent_done:"Geräte, die ihre Erlaubnis nicht genutzt haben, haben sie verloren.",disable_independent_none:"Kein Gerät hat eine Erlaubnis, die es nicht nutzt.",filter:"Filter",filter_placeholder:"Gerät, Adresse, Anwendung, Port …",sort_devices:"Geräte sortieren nach",sort_name:"Name",sort_address:"Adresse",sort_open:"Offene Ports",sort_problems:"Probleme",found_one:"{count} Gerät",found_other:"{count} Geräte",nothing_found:"Nichts passt zu „{filter}“.",clear_filter:"Filter löschen",empty_title:"Noch ist nichts freigegeben",empty_body:"Kein Gerät in deinem Zuhause ist aus dem Internet erreichbar. Um das zu ändern, wähle zuerst ein Gerät und dann, was davon erreichbar sein soll.",shares:"Freigegebene Ports, nach Geräten",column_application:"Anwendung",column_service:"Port an Gerät",column_ipv4:"Extern IPv4",column_ipv6:"Extern IPv6",column_call:"Aufruf aus dem Internet",column_closes:"Schließt in",column_on:"Freigegeben",column_actions:"Aktionen",no_shares:"Noch keine Freigaben.",filtered_out:"Seine Freigaben passen nicht zum Filter.",not_open_now:"jetzt nicht offen",everything:"Alles",callers_one:"nur {count} Anrufer",callers_other:"nur {count} Anrufer",traffic:"{connections} Verbindungen, {in} herein, {out} hinaus",last_visitor:"Letzter Anrufer {address}, {at}",status_active:"Aktiv",status_off:"Aus",status_no_internet:"Keine Internetverbindung",status_device_unknown:"Gerät hat gerade keine Adresse",status_conflict:"Eine andere Freigabe oder ein anderes Gerät hat den Port",status_blocked:"Eine andere Firewall im Gateway blockiert Anrufer",status_error:"Konnte nicht geöffnet werden",status_nobody_listens:"Offen, aber am Gerät nimmt niemand an",status_partly:"Nur über {family} offen",online:"Online",offline:"Offline",no_address:"keine Adresse",more_addresses:"+{count}",independent:"Selbstständige Portfreigaben",independent_of:"Selbstständige Portfreigaben von {device}",leases_one:"hat {count} Port selbst geöffnet",leases_other:"hat {count} Ports selbst geöffnet",leases_none:"hat keine geöffnet",lease_expires:"Läuft ab in",lease_asked_by:"Erbeten mit {protocols}",lease_unnamed:"Keine Beschreibung",device_of_lease_unknown:"Nicht für Freigaben hinzugefügt",add_share:"Freigabe hinzufügen",add_share_to:"Freigabe zu {device} hinzufügen",edit_share:"{share} bearbeiten",edit_device:"{device} bearbeiten",delete_device:"{device} löschen",delete_share:"{share} löschen",open_share_temporarily:"{share} vorübergehend öffnen",switch_share:"{share} von {device} freigeben",copy:"{text} kopieren",copied:"Kopiert: {text}",copy_failed:"Kopieren ging nicht. Markiere den Text und kopiere ihn selbst.",close:"Schließen",cancel:"Abbrechen",apply:"Übernehmen",applying:"Wird übernommen …",delete:"Löschen",saved_share:"„{name}“ ist gespeichert.",saved_device:"{device} ist gespeichert.",deleted:"{name} ist gelöscht.",discard_title:"Deine Änderungen verwerfen?",discard:"Verwerfen",keep_editing:"Weiter bearbeiten",share_add_title:"Freigabe hinzufügen",share_edit_title:"Freigabe bearbeiten",device_add_title:"Gerät für Freigaben hinzufügen",device_edit_title:"Gerät bearbeiten",field_device:"Gerät",field_device_search:"Suchen, oder MAC- oder IP-Adresse eingeben",field_device_hint:"Was jetzt im Heimnetz ist. Ein Gerät, das fehlt, kannst du eingeben.",device_typed:"„{text}“ nehmen",device_loading:"Sehe im Heimnetz nach …",device_none:"Kein solches Gerät ist im Heimnetz.",device_required:"Wähle ein Gerät.",field_device_name:"Name des Geräts",field_device_name_hint:"Leer lassen, um den bekannten Namen zu nehmen.",with_share:"Gleich einen Port davon freigeben",field_application:"Anwendung",field_application_hint:"Füllt Protokoll und Port aus. Alles lässt sich ändern.",application_other:"Andere Anwendung",field_name:"Name",field_protocol:"Protokoll",protocol_ping6:"Ping (IPv6)",protocol_exposed_host:"Exposed Host (alles)",field_port:"Port an Gerät",field_port_end:"Letzter Port an Gerät, für einen Bereich",to:"bis",field_port_hint:"1 bis 65535. Die zweite Zahl nur für einen Bereich.",field_families:"Anrufer dürfen kommen über",families_ipv4:"IPv4",families_ipv6:"IPv6",field_external_port:"Externer Port (IPv4)",field_external_port_hint:"Leer lassen für den nächsten freien.",external_port_would_be:"Es würde {port}.",external_port_ipv6:"Über IPv6 wird der Port an Gerät gerufen.",use_proposal:"{port} nehmen",field_callers:"Wer anrufen darf",callers_everybody:"Alle",callers_only:"Nur diese Adressen",field_sources:"Adressen",field_sources_hint:"IP-Adressen, Netze wie 198.51.100.0/24 oder DNS-Namen; eine pro Zeile, bis zu 32.",field_open:"Öffnen",open_on:"Jetzt, bis ich sie ausschalte",open_off:"Noch nicht",open_for:"Jetzt, für {duration}",open_keep:"Jetzt, bis {time}",confirm_title:"Bist du sicher?",confirm:"Ja, das will ich",confirm_required:"Bestätige es oder ändere die Freigabe.",open_title:"Vorübergehend öffnen",open_body:"„{share}“ ist für diese Zeit offen und schließt dann von selbst.",open_submit:"Öffnen",opened:"„{share}“ ist für {duration} offen.",delete_share_title:"„{share}“ löschen?",delete_share_body:"Die Freigabe wird sofort geschlossen, laufende Verbindungen werden getrennt.",delete_device_title:"{device} löschen?",delete_device_body_one:"Damit wird diese Freigabe geschlossen und gelöscht:",delete_device_body_other:"Damit werden diese {count} Freigaben geschlossen und gelöscht:",delete_device_no_shares:"Es hat keine Freigaben.",delete_device_leases:"Auch was es selbst geöffnet hat, wird geschlossen, und seine Erlaubnis dazu ist weg.",log:"Ereignisse",log_of:"Zeigen",log_all:"Alle Geräte",log_empty:"Noch ist nichts geschehen.",log_empty_device:"Mit diesem Gerät ist noch nichts geschehen.",log_loading:"Wird geladen …",log_by:"durch {user}",request_once:"Einmal",request_always:"Immer",request_no:"Nein",request_question:"Erlauben?",request_allowed_once:"Einmal erlaubt",request_allowed_always:"Immer erlaubt",request_denied:"Abgelehnt",picture_title:"Was zwischen dem Internet und deinem Zuhause offen ist",picture_summary_one:"{count} Gerät hat Freigaben.",picture_summary_other:"{count} Geräte haben Freigaben.",picture_empty:"Kein Gerät hat Freigaben oder offene Ports.",picture_more_one:"{count} weiteres Gerät steht in der Tabelle.",picture_more_other:"{count} weitere Geräte stehen in der Tabelle.",picture_legend:"Linien",picture_active:"Offen",picture_off:"Aus",picture_problem:"Eingeschaltet, aber nicht offen",picture_traffic:"Eine dickere Linie hat mehr Daten getragen.",picture_rest:"und {count} weitere"};var Zt={title:"Port sharing",menu:"Menu",views:"Views",view_shares:"Devices",view_log:"Event log",view_picture:"Picture",absent_waiting:"Waiting for Home Assistant …",absent_starting:"Home Assistant is still starting. This page appears by itself.",absent_not_running:"Port sharing is not running. Look at the integration's error in Home Assistant's settings; this page appears by itself when it runs again.",absent_forbidden:"Only administrators can see and change what is open.",disconnected:"The connection to Home Assistant is interrupted. What you see may be out of date.",internet:"Internet",internet_both:"Connected over IPv4 and IPv6",internet_ipv4:"Connected over IPv4 only",internet_ipv6:"Connected over IPv6 only",internet_none:"No internet connection",gateway:"Gateway",gateway_unavailable:"The gateway's kernel cannot be asked at the moment. What you see is what was known before.",overview:"At a glance",address_ipv4:"IPv4 address",address_ipv6:"IPv6 address",dns_name:"DNS name",open_ports_one:"open port",open_ports_other:"open ports",ports_open_one:"{count} port open",ports_open_other:"{count} ports open",add_device:"Add device for sharing",close_all:"Close everything",close_all_title:"Close everything?",close_all_body:"Every share is switched off at once, and what devices have opened by themselves is closed. Running connections are cut. Nothing is deleted: you can switch each share on again.",close_all_done:"Everything is closed.",disable_independent:"Disable independent port sharing",disable_independent_title:"Disable independent port sharing?",disable_independent_body_one:"{count} device may open ports by itself and has made no use of that. It loses this permission. What other devices have opened stays open.",disable_independent_body_other:"{count} devices may open ports by themselves and have made no use of that. They lose this permission. What other devices have opened stays open.",disable_independent_done:"Devices that made no use of their permission have lost it.",disable_independent_none:"No device has a permission that it does not use.",filter:"Filter",filter_placeholder:"Device, address, application, port …",sort_devices:"Sort devices by",sort_name:"Name",sort_address:"Address",sort_open:"Open ports",sort_problems:"Problems",found_one:"{count} device",found_other:"{count} devices",nothing_found:"Nothing matches “{filter}”.",clear_filter:"Clear filter",empty_title:"Nothing is shared yet",empty_body:"No device of your home can be called from the internet. To change that, choose a device first, and then what of it may be called.",shares:"Shared ports, by device",column_application:"Application",column_service:"Port to device",column_ipv4:"External IPv4",column_ipv6:"External IPv6",column_call:"Internet callers use",column_closes:"Closes in",column_on:"Shared",column_actions:"Actions",no_shares:"No shares yet.",filtered_out:"Its shares do not match the filter.",not_open_now:"not open now",everything:"Everything",callers_one:"only {count} caller",callers_other:"only {count} callers",traffic:"{connections} connections, {in} in, {out} out",last_visitor:"Last caller {address}, {at}",status_active:"Active",status_off:"Off",status_no_internet:"No internet connection",status_device_unknown:"Device has no address now",status_conflict:"Another share or device has the port",status_blocked:"Another firewall on the gateway blocks callers",status_error:"Could not be opened",status_nobody_listens:"Open, but nobody answers at the device",status_partly:"Open over {family} only",online:"Online",offline:"Offline",no_address:"no address",more_addresses:"+{count}",independent:"Independent port sharing",independent_of:"Independent port sharing of {device}",leases_one:"opened {count} port by itself",leases_other:"opened {count} ports by itself",leases_none:"has opened none",lease_expires:"Expires in",lease_asked_by:"Asked by {protocols}",lease_unnamed:"No description",device_of_lease_unknown:"Not added for sharing",add_share:"Add share",add_share_to:"Add share to {device}",edit_share:"Edit {share}",edit_device:"Edit {device}",delete_device:"Delete {device}",delete_share:"Delete {share}",open_share_temporarily:"Open {share} for a while",switch_share:"Share {share} of {device}",copy:"Copy {text}",copied:"Copied: {text}",copy_failed:"Could not copy. Select the text and copy it yourself.",close:"Close",cancel:"Cancel",apply:"Apply",applying:"Applying …",delete:"Delete",saved_share:"“{name}” is saved.",saved_device:"{device} is saved.",deleted:"{name} is deleted.",discard_title:"Discard your changes?",discard:"Discard",keep_editing:"Keep editing",share_add_title:"Add share",share_edit_title:"Edit share",device_add_title:"Add device for sharing",device_edit_title:"Edit device",field_device:"Device",field_device_search:"Search, or type a MAC or IP address",field_device_hint:"What is on the home network now. A device that is missing can be typed.",device_typed:"Use “{text}”",device_loading:"Looking at the home network …",device_none:"No device like that is on the home network.",device_required:"Choose a device.",field_device_name:"Name of the device",field_device_name_hint:"Leave it empty to take the name it is known by.",with_share:"Share a port of it now",field_application:"Application",field_application_hint:"Fills in protocol and port. Everything can be changed.",application_other:"Other application",field_name:"Name",field_protocol:"Protocol",protocol_ping6:"Ping (IPv6)",protocol_exposed_host:"Exposed host (everything)",field_port:"Port to device",field_port_end:"Last port to device, for a range",to:"to",field_port_hint:"1 to 65535. The second number only for a range.",field_families:"Callers may come over",families_ipv4:"IPv4",families_ipv6:"IPv6",field_external_port:"External port (IPv4)",field_external_port_hint:"Leave it empty for the next one free.",external_port_would_be:"It would get {port}.",external_port_ipv6:"Over IPv6, the port to device is called.",use_proposal:"Use {port}",field_callers:"Who may call",callers_everybody:"Everybody",callers_only:"Only these addresses",field_sources:"Addresses",field_sources_hint:"IP addresses, networks such as 198.51.100.0/24, or DNS names; one per line, up to 32.",field_open:"Open",open_on:"Now, until I switch it off",open_off:"Not yet",open_for:"Now, for {duration}",open_keep:"Now, until {time}",confirm_title:"Are you sure?",confirm:"Yes, I want that",confirm_required:"Confirm it, or change the share.",open_title:"Open for a while",open_body:"“{share}” is open for this time, and then closes by itself.",open_submit:"Open",opened:"“{share}” is open for {duration}.",delete_share_title:"Delete “{share}”?",delete_share_body:"The share is closed at once, and running connections are cut.",delete_device_title:"Delete {device}?",delete_device_body_one:"With it, this share is closed and deleted:",delete_device_body_other:"With it, these {count} shares are closed and deleted:",delete_device_no_shares:"It has no shares.",delete_device_leases:"What it has opened by itself is closed, too, and its permission is gone.",log:"Event log",log_of:"Show",log_all:"All devices",log_empty:"Nothing has happened yet.",log_empty_device:"Nothing has happened to this device yet.",log_loading:"Loading …",log_by:"by {user}",request_once:"Once",request_always:"Always",request_no:"No",request_question:"Allow it?",request_allowed_once:"Allowed once",request_allowed_always:"Allowed always",request_denied:"Denied",picture_title:"What is open between the internet and your home",picture_summary_one:"{count} device has shares.",picture_summary_other:"{count} devices have shares.",picture_empty:"No device has shares or open ports.",picture_more_one:"{count} more device is in the table.",picture_more_other:"{count} more devices are in the table.",picture_legend:"Lines",picture_active:"Open",picture_off:"Off",picture_problem:"Enabled, but not open",picture_traffic:"A thicker line has carried more data.",picture_rest:"and {count} more"};var Be=class{constructor(t){this.get=(t,e={})=>this.texts[t].replace(/\{(\w+)\}/g,(r,n)=>String(e[n]));this.count=(t,e)=>{let r=this.plural.select(e)==="one"?"one":"other";return this.get(`${t}_${r}`,{count:this.numbers.format(e)})};this.language=t.startsWith("de")?"de":"en",this.texts=this.language==="de"?Vt:Zt,this.plural=new Intl.PluralRules(this.language),this.numbers=new Intl.NumberFormat(this.language)}};var Jr={menu:"M3 6h18v2H3zM3 11h18v2H3zM3 16h18v2H3z",plus:"M11 5h2v6h6v2h-6v6h-2v-6H5v-2h6z",edit:"M4 20v-4L15 5l4 4L8 20zM16.4 3.6l1.5-1.5 4 4-1.5 1.5z",delete:"M9 3h6l1 2h4v2H4V5h4zM6 9h12l-1 12H7zM10 11v8h1.5v-8zM13 11v8h1.5v-8z",copy:"M8 3h11v13h-2V5H8zM5 7h10v14H5zM7 9v10h6V9z",clock:"M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18zm0 2a7 7 0 1 0 0 14 7 7 0 0 0 0-14zm-1 2h2v4.6l3 1.8-1 1.7-4-2.4z",close:"M6.4 5 12 10.6 17.6 5 19 6.4 13.4 12l5.6 5.6-1.4 1.4-5.6-5.6L6.4 19 5 17.6l5.6-5.6L5 6.4z",search:"M10 4a6 6 0 0 1 4.7 9.7l5 5-1.4 1.4-5-5A6 6 0 1 1 10 4zm0 2a4 4 0 1 0 0 8 4 4 0 0 0 0-8z",unfold:"M6.4 8.5 12 14l5.6-5.5L19 10l-7 7-7-7z",up:"M12 5l6 6-1.4 1.4L13 8.8V19h-2V8.8l-3.6 3.6L6 11z",warning:"M12 3 23 21H1zm0 4L4.5 19h15zm-1 4h2v4h-2zm0 5h2v2h-2z",device:"M4 4h16v11H4zm2 2v7h12V6zM2 17h20v2H2z",lock:"M12 2a5 5 0 0 1 5 5v3h2v11H5V10h2V7a5 5 0 0 1 5-5zm0 2a3 3 0 0 0-3 3v3h6V7a3 3 0 0 0-3-3z"};function k(i){return a`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
    ${ae`<path fill-rule="evenodd" d=${Jr[i]}></path>`}
  </svg>`}var mt=_`var(--header-height, 56px)`,Jt=_`
  :host {
    display: block;
    min-height: 100vh;
    background: var(--page);
    --portshare-head-top: ${mt};
  }
  header {
    position: sticky;
    top: 0;
    z-index: 2;
    display: flex;
    align-items: center;
    gap: 4px;
    height: ${mt};
    padding: 0 12px;
    background: var(--sidebar-background-color, #fff);
    color: var(--sidebar-text-color, #212121);
    border-bottom: 1px solid var(--line);
  }
  header .icon-button {
    color: inherit;
  }
  h1 {
    flex: 1;
    margin-inline-start: 8px;
    overflow: hidden;
    font-size: 20px;
    font-weight: 400;
    line-height: 28px;
    text-overflow: ellipsis;
    white-space: nowrap;
    outline: none;
  }
  nav {
    display: flex;
    align-self: stretch;
  }
  nav a {
    display: flex;
    align-items: center;
    padding: 0 14px;
    border-block: 3px solid transparent;
    color: inherit;
    font-weight: 500;
    text-decoration: none;
    white-space: nowrap;
  }
  nav a:hover {
    background: color-mix(in srgb, currentColor 8%, transparent);
  }
  nav a[aria-current] {
    border-bottom-color: var(--accent);
  }
  header :focus-visible {
    outline-color: currentColor;
    outline-offset: -3px;
  }
  main {
    display: grid;
    grid-template-columns: minmax(0, 1fr);
    gap: 16px;
    max-width: 1280px;
    margin: 0 auto;
    padding: 16px;
  }
  .absent {
    padding: 48px 24px;
    text-align: center;
  }
  .disconnected {
    padding: 10px 16px;
    border-radius: var(--small-radius);
    background: color-mix(in srgb, var(--warn) 20%, var(--surface));
  }
  .told {
    position: fixed;
    z-index: 3;
    inset: auto 16px 16px;
    display: flex;
    justify-content: center;
    pointer-events: none;
  }
  .told p {
    padding: 10px 18px;
    border-radius: 20px;
    background: var(--text);
    color: var(--surface);
    overflow-wrap: anywhere;
  }
  @media (max-width: 600px) {
    header {
      flex-wrap: wrap;
      height: auto;
      min-height: ${mt};
      padding: 0;
    }
    header .icon-button {
      margin: 10px 0 10px 8px;
    }
    h1 {
      line-height: 56px;
      margin-inline-start: 16px;
    }
    nav {
      width: 100%;
      height: 44px;
    }
    nav a {
      flex: 1;
      justify-content: center;
      padding: 0 4px;
    }
    main {
      padding: 12px 8px;
    }
  }
`;var je=class{constructor(t,e,r,n){this.connection=t;this.language=e;this.told=r;this.absent=n;this.attempt=0;this.reconnected=()=>{this.unsubscribe=void 0,this.subscribe()};this.subscribe=async()=>{this.leave();let t=this.attempt;try{let e=await this.connection.subscribeMessage(r=>t===this.attempt&&this.told(r),{type:"portshare/subscribe",language:this.language},{resubscribe:!1});t===this.attempt?this.unsubscribe=e:e()}catch(e){t===this.attempt&&this.refused(e)}}}start(){this.connection.addEventListener("ready",this.reconnected),this.subscribe()}stop(){this.connection.removeEventListener("ready",this.reconnected),this.leave()}refused({code:t}){if(t==="unauthorized")return this.absent("forbidden");this.absent(t==="unknown_command"?"starting":"not_running"),this.timer=setTimeout(this.subscribe,2e3)}leave(){this.attempt+=1,clearTimeout(this.timer),this.unsubscribe?.(),this.unsubscribe=void 0}};var ft=class extends Error{constructor(e,r,n){super(e);this.code=r;this.proposal=n}};async function gt(i,t){let{code:e,message:r,translation_domain:n,translation_key:s,translation_placeholders:o}=t??{},c=r??String(t);if(n&&s){let l=`component.${n}.exceptions.${s}.message`;c=await Yr(i,n,l,o)||c}return new ft(c,String(e??"base"),o?.proposal)}async function Yr(i,t,e,r){try{return(await i.loadBackendTranslation("exceptions",t))(e,r)}catch{return""}}var We=class{constructor(t){this.hass=t;this.log=()=>this.command("log");this.hosts=()=>this.command("hosts");this.checkShare=t=>this.command("share/check",t);this.addShare=t=>this.command("share/add",t);this.updateShare=t=>this.command("share/update",t);this.removeShare=t=>this.command("share/remove",{share_id:t});this.addDevice=t=>this.command("device/add",t);this.updateDevice=t=>this.command("device/update",t);this.removeDevice=t=>this.command("device/remove",{device_id:t});this.switchShare=(t,e)=>t.entity_id?this.service("switch",e?"turn_on":"turn_off",{entity_id:t.entity_id}):this.updateShare({share_id:t.id,enabled:e});this.openTemporarily=(t,e)=>this.service("portshare","open_temporarily",{share_id:t,duration:{minutes:e}});this.closeAll=()=>this.service("portshare","close_all");this.disableIndependent=()=>this.service("portshare","disable_independent");this.approve=(t,e)=>this.service("portshare","approve_request",{request_id:t,always:e});this.deny=t=>this.service("portshare","deny_request",{request_id:t})}async command(t,e={}){try{return await this.hass().callWS({type:`portshare/${t}`,...e})}catch(r){throw await gt(this.hass(),r)}}async service(t,e,r={}){try{await this.hass().callService(t,e,{...r},void 0,!1)}catch(n){throw await gt(this.hass(),n)}}};function Yt(i,t){return{...i,gateway:t.gateway??i.gateway,devices:Ke(i.devices,t.devices),shares:Ke(i.shares,t.shares),leases:Ke(i.leases,t.leases),traffic:Ke(i.traffic,t.traffic)}}function Ke(i,t){if(!t)return i;let e={...i};for(let[r,n]of Object.entries(t))n===null?delete e[r]:e[r]=n;return e}var Xr=200;function Xt(i,t){let e=new Set(i.map(Ve));return[...i,...t.filter(r=>!e.has(Ve(r)))].slice(-Xr)}function Ve(i){return[i.at,i.type,i.share,i.lease,i.request_id,i.message].join()}var $=_`
  :host {
    --text: var(--primary-text-color, #141414);
    --surface: var(--card-background-color, #fff);
    --page: var(--primary-background-color, #fafafa);
    --muted: color-mix(in srgb, var(--secondary-text-color, #5e5e5e) 70%, var(--text));
    --line: var(--divider-color, rgb(0 0 0 / 12%));
    --control-line: color-mix(in srgb, var(--text) 55%, var(--surface));
    --hover: color-mix(in srgb, var(--text) 6%, transparent);
    --accent: var(--primary-color, #009ac7);
    --accent-text: color-mix(in oklab, var(--accent) 50%, var(--text));
    --accent-fill: oklch(from var(--accent) min(l, 0.5) c h);
    --good: var(--success-color, #43a047);
    --good-text: color-mix(in oklab, var(--good) 50%, var(--text));
    --warn: var(--warning-color, #ffa600);
    --warn-text: color-mix(in oklab, var(--warn) 45%, var(--text));
    --bad: var(--error-color, #db4437);
    --bad-text: color-mix(in oklab, var(--bad) 78%, var(--text));
    --bad-fill: oklch(from var(--bad) min(l, 0.5) c h);
    --radius: var(--ha-card-border-radius, 12px);
    --small-radius: 6px;
    --mono: var(--ha-font-family-code, ui-monospace, "Cascadia Mono", "Roboto Mono", monospace);
    color: var(--text);
    font-family: var(--ha-font-family-body, Roboto, system-ui, sans-serif);
    font-size: 14px;
    line-height: 20px;
  }
  :host([hidden]),
  [hidden] {
    display: none !important;
  }
  * {
    box-sizing: border-box;
  }
  h1,
  h2,
  h3,
  p,
  dl,
  dd,
  ol,
  ul {
    margin: 0;
    padding: 0;
  }
  ol,
  ul {
    list-style: none;
  }
  :focus-visible {
    outline: 2px solid var(--accent-text);
    outline-offset: 2px;
  }
  .card {
    background: var(--surface);
    border: var(--ha-card-border-width, 1px) solid var(--ha-card-border-color, var(--line));
    border-radius: var(--radius);
    box-shadow: var(--ha-card-box-shadow, none);
  }
  .muted {
    color: var(--muted);
  }
  .problem {
    color: var(--bad-text);
  }
  .for-screen-readers {
    position: absolute;
    width: 1px;
    height: 1px;
    margin: -1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  svg.icon {
    width: 20px;
    height: 20px;
    flex: none;
    fill: currentColor;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    ::before,
    ::after,
    ::backdrop {
      animation: none !important;
      transition: none !important;
      scroll-behavior: auto !important;
    }
  }
`,E=_`
  button {
    font: inherit;
    color: inherit;
    cursor: pointer;
  }
  button:disabled,
  button[aria-disabled="true"] {
    cursor: default;
    opacity: 0.55;
  }
  .button {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-height: 36px;
    padding: 4px 14px;
    border: 1px solid var(--control-line);
    border-radius: 18px;
    background: none;
    font-weight: 500;
    text-align: center;
  }
  .button:hover:not(:disabled) {
    background: var(--hover);
  }
  .button.primary {
    border-color: transparent;
    background: var(--accent-fill);
    color: #fff;
  }
  .button.danger {
    border-color: transparent;
    background: var(--bad-fill);
    color: #fff;
  }
  .button.primary:hover:not(:disabled),
  .button.danger:hover:not(:disabled) {
    filter: brightness(1.1);
  }
  .button.quiet {
    border-color: transparent;
    color: var(--accent-text);
  }
  .button.small {
    min-height: 30px;
    padding: 2px 12px;
  }
  .icon-button {
    display: inline-grid;
    place-items: center;
    width: 36px;
    height: 36px;
    flex: none;
    padding: 0;
    border: 0;
    border-radius: 50%;
    background: none;
    color: var(--muted);
  }
  .icon-button:hover {
    background: var(--hover);
    color: var(--text);
  }
  .switch {
    position: relative;
    width: 40px;
    height: 24px;
    flex: none;
    padding: 0;
    border: 2px solid var(--control-line);
    border-radius: 12px;
    background: none;
    transition: background 0.12s;
  }
  .switch::after {
    content: "";
    position: absolute;
    top: 4px;
    left: 4px;
    width: 12px;
    height: 12px;
    border-radius: 50%;
    background: var(--control-line);
    transition: transform 0.12s;
  }
  .switch[aria-checked="true"] {
    border-color: var(--accent-fill);
    background: var(--accent-fill);
  }
  .switch[aria-checked="true"]::after {
    transform: translateX(16px) scale(1.25);
    background: #fff;
  }
  .switch[aria-busy="true"]::before {
    content: "";
    position: absolute;
    inset: -6px;
    border: 2px solid var(--accent-text);
    border-top-color: transparent;
    border-radius: 18px;
    animation: breathe 0.9s ease-in-out infinite alternate;
  }
  @keyframes breathe {
    from {
      opacity: 0.2;
    }
  }
`,H=_`
  input:not([type="checkbox"], [type="radio"]),
  select,
  textarea {
    width: 100%;
    min-height: 40px;
    padding: 8px 12px;
    border: 1px solid var(--control-line);
    border-radius: var(--small-radius);
    background: var(--surface);
    color: var(--text);
    font: inherit;
    font-size: 16px;
  }
  select {
    padding-right: 4px;
  }
  input::placeholder {
    color: var(--muted);
    opacity: 1;
  }
  input[type="checkbox"],
  input[type="radio"] {
    width: 18px;
    height: 18px;
    margin: 0;
    flex: none;
    accent-color: var(--accent-fill);
  }
  [aria-invalid="true"] {
    border-color: var(--bad-text) !important;
    box-shadow: 0 0 0 1px var(--bad-text);
  }
  label.choice {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    min-height: 32px;
  }
  @media (min-width: 600px) {
    input:not([type="checkbox"], [type="radio"]),
    select,
    textarea {
      font-size: 14px;
    }
  }
`,J=_`
  .led {
    display: inline-block;
    width: 12px;
    height: 12px;
    flex: none;
    border: 2px solid var(--muted);
    border-radius: 50%;
  }
  .led.active {
    border-color: var(--good);
    background: var(--good);
    box-shadow: 0 0 0 3px color-mix(in srgb, var(--good) 22%, transparent);
  }
  .led.warning {
    border-color: var(--warn);
    background: linear-gradient(to top, var(--warn) 50%, transparent 50%);
  }
  .led.problem {
    border-color: var(--bad);
    border-radius: 2px;
    background: var(--bad);
    rotate: 45deg;
  }
`;function A(i,t){let e={detail:t,bubbles:!0,composed:!0};i.dispatchEvent(new CustomEvent("portshare-dialog",e))}function W(i,t){let e={detail:t,bubbles:!0,composed:!0};i.dispatchEvent(new CustomEvent("portshare-tell",e))}var Je=[15,60,240,720,1440,10080],Qr={device:"device",device_id:"device",mac:"device",name:"name",protocol:"protocol",port:"port",port_end:"port",external_port:"external_port",external_port_end:"external_port",ipv4:"families",ipv6:"families",sources:"sources",enabled:"open",open_until:"open",confirm:"confirm"};function Qt(i){return Qr[i]??"base"}var er={name:"",protocol:"tcp",port:"",portEnd:"",externalPort:"",ipv4:!0,ipv6:!0,restricted:!1,sources:"",opening:"on"};function tr(i){return{name:i.name,protocol:i.protocol,port:Ce(i.port),portEnd:Ce(i.port_end),externalPort:Ce(i.external_port),ipv4:i.ipv4,ipv6:i.ipv6,restricted:i.sources.length>0,sources:i.sources.join(`
`),opening:i.enabled?i.open_until?"keep":"on":"off"}}function rr(i,t){return yt({...i,name:t.name,port:Ce(t.port),portEnd:Ce(t.port_end),externalPort:""},t.protocol)}function yt(i,t){let e=Ze(i.protocol),r=Ze(t),n=e.ipv4&&e.ipv6;return{...i,protocol:t,ipv4:r.ipv4&&(n&&r.ipv6?i.ipv4:!0),ipv6:r.ipv6&&(n&&r.ipv4?i.ipv6:!0)}}function Ze(i){return{ipv4:i!=="ping6",ipv6:i!=="esp"&&i!=="gre"}}function ir(i,t,e){let r=de(i.protocol);return{name:i.name.trim(),protocol:i.protocol,port:r?vt(i.port):null,port_end:r?vt(i.portEnd):null,external_port:r&&i.ipv4?vt(i.externalPort):null,external_port_end:null,ipv4:i.ipv4,ipv6:i.ipv6,sources:i.restricted?i.sources.split(/[\s,;]+/).filter(Boolean):[],enabled:i.opening!=="off",open_until:ei(i.opening,t,e)}}function bt(i,t){let e=Object.entries(i).filter(([s,o])=>JSON.stringify(o)!==JSON.stringify(t[s])),r=Object.fromEntries(e);return["port","port_end","external_port"].some(s=>s in r)||delete r.external_port_end,r}function ei(i,t,e){return i==="keep"?t?.open_until??null:typeof i=="number"?new Date(e+i*6e4).toISOString():null}function Ce(i){return i===null?"":String(i)}function vt(i){let t=i.trim();return/^\d+$/.test(t)?Number(t):t||null}var ti=250,ue=class{constructor(t,e,r,n){this.host=t;this.share=e;this.texts=r;this.check=n;this.errors={};this.warning="";this.confirmed=!1;this.busy=!1;this.hasApplied=!1;this.attempt=0;this.change=t=>{this.draft=t,this.checkSoon(),this.host.requestUpdate()};this.confirm=t=>{this.confirmed=t,this.errors={...this.errors,confirm:void 0},this.host.requestUpdate()};this.draft=this.first=e?tr(e):er,t.addController(this)}get isChanged(){return JSON.stringify(this.draft)!==JSON.stringify(this.first)}get fields(){return ir(this.draft,this.share,Date.now())}hostDisconnected(){clearTimeout(this.timer),this.attempt+=1}checkSoon(){clearTimeout(this.timer),this.attempt+=1,this.timer=setTimeout(()=>{this.checkNow()},ti)}async apply(t){clearTimeout(this.timer),this.attempt+=1,this.hasApplied=!0,this.busy=!0,this.host.requestUpdate();try{return await t(),!0}catch(e){return this.refused(e),!1}finally{this.busy=!1,this.host.requestUpdate()}}refuse(t,e){this.errors={[t]:e},this.host.requestUpdate()}async checkNow(){let t=this.attempt,e=this.fields;try{let r=await this.check({...e,name:e.name||"…"});if(t!==this.attempt)return;this.errors={},this.checked=r,this.proposal=void 0,this.warning="",this.confirmed=!1}catch(r){if(t!==this.attempt)return;this.refused(r)}this.host.requestUpdate()}refused({code:t,message:e,proposal:r}){let n=Qt(t);this.checked=void 0,this.proposal=r,n==="confirm"?this.warn(e):this.errors=this.isUntouched(n)?{}:{[n]:e}}warn(t){let e=t===this.warning;e||(this.confirmed=!1),this.warning=t;let r=e&&this.hasApplied&&!this.confirmed;this.errors=r?{confirm:this.texts.get("confirm_required")}:{}}isUntouched(t){return!this.hasApplied&&t==="port"&&!this.draft.port}};function N({id:i,label:t,hint:e,error:r,control:n}){return a`
    <div class="field">
      <label for=${i}>${t}</label>
      ${n} ${nr(i,e,r)}
    </div>
  `}function _t({id:i,label:t,hint:e,error:r,control:n}){return a`
    <fieldset class="field" id=${i} aria-describedby=${M(i)}>
      <legend>${t}</legend>
      <div class="controls">${n}</div>
      ${nr(i,e,r)}
    </fieldset>
  `}function Ye({texts:i,refused:t,busy:e,cancel:r,apply:n}){return a`
    ${t?a`<p class="box refused" role="alert">${t}</p>`:p}
    <button slot="actions" class="button quiet" @click=${r}>${i.get("cancel")}</button>
    <button slot="actions" class="button primary" ?disabled=${e} @click=${n}>
      ${i.get(e?"applying":"apply")}
    </button>
  `}function M(i){return`${i}-hint ${i}-error`}function R(i){return i?"true":"false"}function nr(i,t,e){return a`
    <div class="hint" id="${i}-hint">${t??p}</div>
    <div class="error" id="${i}-error" aria-live="polite">${e??p}</div>
  `}var K=_`
  form {
    display: grid;
    gap: 14px;
  }
  .of {
    margin-bottom: 12px;
    color: var(--muted);
  }
  .part {
    display: grid;
    gap: 14px;
    margin-top: 16px;
    padding-top: 12px;
    border-top: 1px solid var(--line);
  }
  .pair {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(200px, 1fr));
    gap: 14px;
    align-items: start;
  }
  .field {
    display: grid;
    gap: 4px;
    min-width: 0;
    margin: 0;
    padding: 0;
    border: 0;
  }
  .field > label,
  legend {
    padding: 0;
    font-weight: 500;
  }
  legend {
    margin-bottom: 4px;
  }
  .controls {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 4px 20px;
  }
  .range {
    gap: 8px;
  }
  input.port:not([type="checkbox"]) {
    width: 110px;
  }
  .hint {
    color: var(--muted);
    font-size: 13px;
  }
  .error {
    color: var(--bad-text);
    font-size: 13px;
    overflow-wrap: anywhere;
  }
  .hint:empty,
  .error:empty {
    display: none;
  }
  .box {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 4px 12px;
    padding: 12px;
    border-radius: var(--small-radius);
    overflow-wrap: anywhere;
  }
  .box.warning {
    background: color-mix(in srgb, var(--warn) 16%, var(--surface));
  }
  .box.refused {
    background: color-mix(in srgb, var(--bad) 12%, var(--surface));
  }
  .box > .icon {
    color: var(--warn-text);
    grid-row: span 3;
  }
`;var sr=Promise.resolve(),z=class extends b{constructor(){super(...arguments);this.heading="";this.dirty=!1;this.small=!1;this.asks=!1;this.leave=async()=>{if(!this.dirty)return this.discard();this.asks=!0,await this.updateComplete,this.keepButton.focus()};this.discard=()=>{this.dispatchEvent(new CustomEvent("leave"))};this.cancel=e=>{e.preventDefault(),this.leave()};this.key=e=>{e.stopPropagation(),e.key==="Escape"&&(e.preventDefault(),this.asks?this.asks=!1:this.leave())};this.back=()=>{this.dirty&&history.pushState({...history.state,portshareDialog:!0},""),this.leave()};this.beforeUnload=e=>{this.dirty&&e.preventDefault()}}connectedCallback(){super.connectedCallback(),this.enterHistory(),addEventListener("beforeunload",this.beforeUnload)}disconnectedCallback(){super.disconnectedCallback(),removeEventListener("popstate",this.back),removeEventListener("beforeunload",this.beforeUnload),this.leaveHistory()}firstUpdated(){this.dialog.showModal()}close(){this.dialog.close()}render(){let{texts:e}=this;return a`
      <dialog
        closedby="none"
        class=${this.small?"small":""}
        aria-labelledby="heading"
        @cancel=${this.cancel}
        @keydown=${this.key}
      >
        <div class="head">
          <h2 id="heading">${this.heading}</h2>
          <button
            class="icon-button"
            type="button"
            aria-label=${e.get("close")}
            title=${e.get("close")}
            @click=${this.leave}
          >
            ${k("close")}
          </button>
        </div>
        <div class="content"><slot></slot></div>
        ${this.asks?this.discardQuestion():a`<div class="foot"><slot name="actions"></slot></div>`}
      </dialog>
    `}discardQuestion(){return a`
      <div class="discard" role="alertdialog" aria-labelledby="discard">
        <p id="discard">${this.texts.get("discard_title")}</p>
        <button class="button quiet" type="button" id="keep" @click=${()=>this.asks=!1}>
          ${this.texts.get("keep_editing")}
        </button>
        <button class="button danger" type="button" @click=${this.discard}>
          ${this.texts.get("discard")}
        </button>
      </div>
    `}async enterHistory(){await sr,this.isConnected&&(history.pushState({...history.state,portshareDialog:!0},""),addEventListener("popstate",this.back))}leaveHistory(){history.state?.portshareDialog&&(sr=new Promise(e=>{addEventListener("popstate",()=>e(),{once:!0})}),history.back())}};z.styles=[$,E,_`
      dialog {
        flex-direction: column;
        width: min(560px, 100vw - 32px);
        max-width: none;
        max-height: calc(100dvh - 32px);
        padding: 0;
        border: 1px solid var(--line);
        border-radius: var(--radius);
        background: var(--surface);
        color: var(--text);
        box-shadow: 0 12px 40px rgb(0 0 0 / 35%);
        overflow: hidden;
      }
      dialog[open] {
        display: flex;
        animation: appear 0.14s ease-out;
      }
      dialog::backdrop {
        background: rgb(0 0 0 / 50%);
      }
      @keyframes appear {
        from {
          opacity: 0;
          translate: 0 8px;
        }
      }
      .head,
      .foot,
      .discard {
        display: flex;
        align-items: center;
        gap: 8px;
        flex: none;
        padding: 12px 16px 12px 24px;
      }
      .head {
        justify-content: space-between;
        padding-bottom: 4px;
      }
      h2 {
        font-size: 20px;
        font-weight: 500;
        line-height: 28px;
        overflow-wrap: anywhere;
      }
      .content {
        flex: 1;
        padding: 8px 24px 16px;
        overflow-y: auto;
        overscroll-behavior: contain;
      }
      .foot,
      .discard {
        justify-content: flex-end;
        border-top: 1px solid var(--line);
      }
      .discard {
        flex-wrap: wrap;
        background: color-mix(in srgb, var(--warn) 14%, var(--surface));
      }
      .discard p {
        flex: 1 1 auto;
        font-weight: 500;
      }
      @media (max-width: 520px) {
        dialog {
          width: 100vw;
          height: 100dvh;
          max-height: none;
          margin: 0;
          border: 0;
          border-radius: 0;
        }
        .head,
        .foot,
        .discard,
        .content {
          padding-inline: 16px;
        }
        .small {
          width: calc(100vw - 32px);
          height: auto;
          margin: auto;
          border-radius: var(--radius);
        }
      }
    `],d([h({attribute:!1})],z.prototype,"texts",2),d([h()],z.prototype,"heading",2),d([h({type:Boolean})],z.prototype,"dirty",2),d([h({type:Boolean})],z.prototype,"small",2),d([g()],z.prototype,"asks",2),d([S("dialog")],z.prototype,"dialog",2),d([S("#keep")],z.prototype,"keepButton",2),z=d([x("portshare-dialog")],z);var or={ATTRIBUTE:1,CHILD:2,PROPERTY:3,BOOLEAN_ATTRIBUTE:4,EVENT:5,ELEMENT:6},Xe=i=>(...t)=>({_$litDirective$:i,values:t}),me=class{constructor(t){}get _$AU(){return this._$AM._$AU}_$AT(t,e,r){this._$Ct=t,this._$AM=e,this._$Ci=r}_$AS(t,e){return this.update(t,e)}update(t,e){return this.render(...e)}};var{I:ri}=Bt,ar=i=>i;var lr=()=>document.createComment(""),fe=(i,t,e)=>{let r=i._$AA.parentNode,n=t===void 0?i._$AB:t._$AA;if(e===void 0){let s=r.insertBefore(lr(),n),o=r.insertBefore(lr(),n);e=new ri(s,o,i,i.options)}else{let s=e._$AB.nextSibling,o=e._$AM,c=o!==i;if(c){let l;e._$AQ?.(i),e._$AM=i,e._$AP!==void 0&&(l=i._$AU)!==o._$AU&&e._$AP(l)}if(s!==n||c){let l=e._$AA;for(;l!==s;){let m=ar(l).nextSibling;ar(r).insertBefore(l,n),l=m}}}return e},Y=(i,t,e=i)=>(i._$AI(t,e),i),ii={},dr=(i,t=ii)=>i._$AH=t,cr=i=>i._$AH,Qe=i=>{i._$AR(),i._$AA.remove()};var pr=(i,t,e)=>{let r=new Map;for(let n=t;n<=e;n++)r.set(i[n],n);return r},X=Xe(class extends me{constructor(i){if(super(i),i.type!==or.CHILD)throw Error("repeat() can only be used in text expressions")}dt(i,t,e){let r;e===void 0?e=t:t!==void 0&&(r=t);let n=[],s=[],o=0;for(let c of i)n[o]=r?r(c,o):o,s[o]=e(c,o),o++;return{values:s,keys:n}}render(i,t,e){return this.dt(i,t,e).values}update(i,[t,e,r]){let n=cr(i),{values:s,keys:o}=this.dt(t,e,r);if(!Array.isArray(n))return this.ut=o,s;let c=this.ut??=[],l=[],m,f,u=0,v=n.length-1,y=0,w=s.length-1;for(;u<=v&&y<=w;)if(n[u]===null)u++;else if(n[v]===null)v--;else if(c[u]===o[y])l[y]=Y(n[u],s[y]),u++,y++;else if(c[v]===o[w])l[w]=Y(n[v],s[w]),v--,w--;else if(c[u]===o[w])l[w]=Y(n[u],s[w]),fe(i,l[w+1],n[u]),u++,w--;else if(c[v]===o[y])l[y]=Y(n[v],s[y]),fe(i,n[u],n[v]),v--,y++;else if(m===void 0&&(m=pr(o,y,w),f=pr(c,u,v)),m.has(c[u]))if(m.has(c[v])){let P=f.get(o[y]),$e=P!==void 0?n[P]:null;if($e===null){let pe=fe(i,n[u]);Y(pe,s[y]),l[y]=pe}else l[y]=Y($e,s[y]),fe(i,n[u],$e),n[P]=null;y++}else Qe(n[v]),v--;else Qe(n[u]),u++;for(;y<=w;){let P=fe(i,l[w+1]);Y(P,s[y]),l[y++]=P}for(;u<=v;){let P=n[u++];P!==null&&Qe(P)}return this.ut=o,dr(i,l),I}});var hr=/^([0-9a-f]{2}([:-][0-9a-f]{2}){5}|[0-9.]+|[0-9a-f:]*:[0-9a-f:]*)$/i,ni=100,U=class extends b{constructor(){super(...arguments);this.chosen="";this.search="";this.failed="";this.typed=e=>{this.search=e.target.value}}focus(){this.renderRoot.querySelector("input")?.focus()}async connectedCallback(){super.connectedCallback();try{this.hosts=(await this.page.server.hosts()).hosts.filter(e=>!e.device)}catch(e){this.hosts=[],this.failed=e.message}}render(){let{texts:e}=this.page,r=this.error||this.failed;return a`
      <div class="field">
        <label for="device">${e.get("field_device")}</label>
        <input
          id="device"
          type="search"
          autocomplete="off"
          spellcheck="false"
          placeholder=${e.get("field_device_search")}
          aria-invalid=${R(r)}
          aria-describedby=${M("device")}
          .value=${this.search}
          @input=${this.typed}
        />
        <div class="hosts" role="radiogroup" aria-label=${e.get("field_device")}>
          ${this.list()}
        </div>
        <div class="hint" id="device-hint">${e.get("field_device_hint")}</div>
        <div class="error" id="device-error" aria-live="polite">${r||p}</div>
      </div>
    `}list(){let{texts:e}=this.page;if(!this.hosts)return a`<p class="muted">${e.get("device_loading")}</p>`;let r=this.search.trim().toLowerCase(),n=this.hosts.filter(o=>si(o,r)).slice(0,ni),s=this.search.trim();return a`
      ${X(n,o=>o.mac,o=>this.host(o))}
      ${!n.length&&hr.test(s)?this.choice(s,a`<b>${e.get("device_typed",{text:s})}</b>`):p}
      ${!n.length&&!hr.test(s)?a`<p class="muted">${e.get("device_none")}</p>`:p}
    `}host(e){let{texts:r}=this.page;return this.choice(e.mac,a`
        <b>${e.name||e.mac}</b>
        <code class="muted">${e.ipv4??e.ipv6[0]??r.get("no_address")}</code>
        <code class="muted">${e.mac}</code>
      `,a`<span class=${e.online?"online":"muted"}>
        ${r.get(e.online?"online":"offline")}
      </span>`,e.name)}choice(e,r,n=p,s=""){return a`
      <label class="host">
        <input
          type="radio"
          name="host"
          value=${e}
          .checked=${e===this.chosen}
          @change=${()=>this.pick(e,s)}
        />
        <span>${r}</span>${n}
      </label>
    `}pick(e,r){this.dispatchEvent(new CustomEvent("pick",{detail:{mac:e,name:r}}))}};U.styles=[$,H,K,_`
      .hosts {
        display: grid;
        max-height: 224px;
        overflow-y: auto;
        border: 1px solid var(--line);
        border-radius: var(--small-radius);
      }
      .hosts > p {
        padding: 12px;
      }
      label.host {
        display: grid;
        grid-template-columns: auto 1fr auto;
        align-items: center;
        gap: 0 12px;
        min-height: 44px;
        padding: 6px 12px;
        cursor: pointer;
      }
      label.host:hover {
        background: var(--hover);
      }
      label.host:has(:checked) {
        background: color-mix(in srgb, var(--accent) 16%, transparent);
      }
      .host > span:nth-child(2) {
        display: flex;
        flex-wrap: wrap;
        gap: 0 12px;
        min-width: 0;
        overflow-wrap: anywhere;
      }
      b {
        flex-basis: 100%;
        font-weight: 500;
      }
      code {
        font-family: var(--mono);
        font-size: 12.5px;
      }
      .online {
        color: var(--good-text);
      }
    `],d([h({attribute:!1})],U.prototype,"page",2),d([h()],U.prototype,"chosen",2),d([h()],U.prototype,"error",2),d([g()],U.prototype,"hosts",2),d([g()],U.prototype,"search",2),d([g()],U.prototype,"failed",2),U=d([x("portshare-host-picker")],U);function si(i,t){return[i.name,i.mac,i.ipv4??"",...i.ipv6].some(e=>e.toLowerCase().includes(t))}var L=class extends b{constructor(){super(...arguments);this.applications=[];this.errors={};this.warning="";this.confirmed=!1;this.choose=e=>{let r=this.applications[Number(ge(e))];r&&this.change(rr(this.draft,r))};this.useProposal=()=>{this.set({externalPort:this.proposal.split(/[^\d]/)[0]}),this.renderRoot.querySelector("#external_port")?.focus()};this.submit=e=>{e.preventDefault(),this.fire("apply",void 0)}}focus(){let e=this.renderRoot.querySelectorAll("input, select, textarea");([...e].find(n=>n.getAttribute("aria-invalid")==="true")??e[0])?.focus()}render(){let e=de(this.draft.protocol);return a`
      <form @submit=${this.submit}>
        ${this.share?p:this.application()}
        <div class="pair">${this.name()} ${this.protocol()}</div>
        ${e||this.errors.port?this.port():p} ${this.families()}
        ${e&&this.draft.ipv4?this.externalPort():p} ${this.callers()}
        ${this.opening()} ${this.warning?this.confirmation():p}
        <button hidden></button>
      </form>
    `}application(){let{texts:e}=this.page,r=this.applications.findIndex(n=>n.name===this.draft.name);return N({id:"application",label:e.get("field_application"),hint:e.get("field_application_hint"),control:a`
        <select
          id="application"
          aria-describedby=${M("application")}
          @change=${this.choose}
        >
          <option value="-1" .selected=${r<0}>${e.get("application_other")}</option>
          ${this.applications.map((n,s)=>a`
              <option value=${s} .selected=${s===r}>
                ${n.name}${this.service(n)}
              </option>
            `)}
        </select>
      `})}service({protocol:e,port:r,port_end:n}){return de(e)?` – ${O[e]} ${F(r,n)}`:""}name(){let e=this.errors.name;return N({id:"name",label:this.page.texts.get("field_name"),error:e,control:a`
        <input
          id="name"
          maxlength="64"
          autocomplete="off"
          aria-invalid=${R(e)}
          aria-describedby=${M("name")}
          .value=${this.draft.name}
          @input=${r=>this.set({name:ge(r)})}
        />
      `})}protocol(){let{texts:e}=this.page,r=this.errors.protocol,n={...O,ping6:e.get("protocol_ping6"),exposed_host:e.get("protocol_exposed_host")};return N({id:"protocol",label:e.get("field_protocol"),error:r,control:a`
        <select
          id="protocol"
          aria-invalid=${R(r)}
          aria-describedby=${M("protocol")}
          @change=${s=>this.change(yt(this.draft,ge(s)))}
        >
          ${Object.entries(n).map(([s,o])=>a`
              <option value=${s} .selected=${s===this.draft.protocol}>
                ${o}
              </option>
            `)}
        </select>
      `})}port(){let{texts:e}=this.page,r=this.errors.port;return N({id:"port",label:e.get("field_port"),hint:e.get("field_port_hint"),error:r,control:a`
        <div class="controls range">
          ${this.portInput("port","port")}
          <span aria-hidden="true">${e.get("to")}</span>
          ${this.portInput("portEnd","port",e.get("field_port_end"))}
        </div>
      `})}externalPort(){let{texts:e}=this.page,{checked:r}=this,n=F(r?.external_port??null,r?.external_port_end??null);return N({id:"external_port",label:e.get("field_external_port"),hint:[e.get("field_external_port_hint"),n&&!this.draft.externalPort&&e.get("external_port_would_be",{port:n}),this.draft.ipv6&&e.get("external_port_ipv6")].filter(Boolean).join(" "),error:this.errors.external_port,control:a`
        <div class="controls range">
          ${this.portInput("externalPort","external_port")}
          ${this.proposal&&this.errors.external_port?a`
                <button type="button" class="button small" @click=${this.useProposal}>
                  ${e.get("use_proposal",{port:this.proposal})}
                </button>
              `:p}
        </div>
      `})}portInput(e,r,n){return a`
      <input
        id=${n?`${r}_end`:r}
        class="port"
        inputmode="numeric"
        autocomplete="off"
        aria-label=${n??p}
        aria-invalid=${R(this.errors[r])}
        aria-describedby=${M(r)}
        .value=${this.draft[e]}
        @input=${s=>this.set({[e]:ge(s)})}
      />
    `}families(){let{texts:e}=this.page,r=Ze(this.draft.protocol),n=this.errors.families;return _t({id:"families",label:e.get("field_families"),error:n,control:a`
        ${["ipv4","ipv6"].map(s=>a`
            <label class="choice">
              <input
                type="checkbox"
                name=${s}
                aria-invalid=${R(n)}
                .checked=${this.draft[s]}
                ?disabled=${!r[s]}
                @change=${o=>this.set({[s]:o.target.checked})}
              />
              ${e.get(`families_${s}`)}
            </label>
          `)}
      `})}callers(){let{texts:e}=this.page,{restricted:r}=this.draft,n=this.errors.sources,s=(o,c)=>a`
      <label class="choice">
        <input
          type="radio"
          name="callers"
          .checked=${r===o}
          @change=${()=>this.set({restricted:o})}
        />
        ${c}
      </label>
    `;return a`
      ${_t({id:"callers",label:e.get("field_callers"),control:a`
          ${s(!1,e.get("callers_everybody"))}
          ${s(!0,e.get("callers_only"))}
        `})}
      ${r?N({id:"sources",label:e.get("field_sources"),hint:e.get("field_sources_hint"),error:n,control:a`
              <textarea
                id="sources"
                rows="3"
                spellcheck="false"
                aria-invalid=${R(n)}
                aria-describedby=${M("sources")}
                .value=${this.draft.sources}
                @input=${o=>this.set({sources:ge(o)})}
              ></textarea>
            `}):p}
    `}opening(){let{texts:e,format:r}=this.page,{opening:n}=this.draft,s=this.errors.open,o=(l,m)=>a`<option value=${l} .selected=${l===n}>${m}</option>`,c=this.share?.open_until;return N({id:"open",label:e.get("field_open"),error:s,control:a`
        <select
          id="open"
          aria-invalid=${R(s)}
          aria-describedby=${M("open")}
          @change=${l=>this.set({opening:oi(ge(l))})}
        >
          ${c&&this.share?.enabled?o("keep",e.get("open_keep",{time:r.moment(c)})):p}
          ${o("on",e.get("open_on"))}
          ${Je.map(l=>o(l,e.get("open_for",{duration:r.duration(l*6e4)})))}
          ${o("off",e.get("open_off"))}
        </select>
      `})}confirmation(){let{texts:e}=this.page,r=this.errors.confirm;return a`
      <div class="box warning" role="group" aria-label=${e.get("confirm_title")}>
        ${k("warning")}
        <p id="confirm-hint" role="alert">${this.warning}</p>
        <label class="choice">
          <input
            type="checkbox"
            id="confirm"
            aria-invalid=${R(r)}
            aria-describedby=${M("confirm")}
            .checked=${this.confirmed}
            @change=${n=>this.fire("confirm",n.target.checked)}
          />
          ${e.get("confirm")}
        </label>
        <div class="error" id="confirm-error">${r??p}</div>
      </div>
    `}set(e){this.change({...this.draft,...e})}change(e){this.fire("draft",e)}fire(e,r){this.dispatchEvent(new CustomEvent(e,{detail:r}))}};L.styles=[$,E,H,K],d([h({attribute:!1})],L.prototype,"page",2),d([h({attribute:!1})],L.prototype,"applications",2),d([h({attribute:!1})],L.prototype,"share",2),d([h({attribute:!1})],L.prototype,"draft",2),d([h({attribute:!1})],L.prototype,"errors",2),d([h({attribute:!1})],L.prototype,"checked",2),d([h()],L.prototype,"proposal",2),d([h()],L.prototype,"warning",2),d([h({type:Boolean})],L.prototype,"confirmed",2),L=d([x("portshare-share-form")],L);function ge(i){return i.target.value}function oi(i){return i==="on"||i==="off"||i==="keep"?i:Number(i)}var T=class extends b{constructor(){super(...arguments);this.applications=[];this.mac="";this.name="";this.knownAs="";this.withShare=!0;this.pick=({detail:e})=>{this.mac=e.mac,this.knownAs=e.name,this.drafting.checkSoon()};this.submitted=e=>{e.preventDefault(),this.apply()};this.apply=async()=>{let{drafting:e,original:r}=this,{texts:n}=this.page;if(!e.busy){if(!r&&!this.mac)return e.refuse("device",n.get("device_required")),this.picker.focus();if(await e.apply(()=>r?this.saveEdited(r):this.saveNew())){let s=this.name.trim()||this.knownAs||this.mac;W(this,n.get("saved_device",{device:s})),this.leave()}else await this.focusError()}};this.leave=()=>{this.frame.close(),A(this)}}willUpdate(){this.drafting||(this.original=this.device,this.name=this.device?.name??"",this.drafting=new ue(this,void 0,this.page.texts,e=>this.mac&&this.withShare?this.page.server.checkShare({mac:this.mac,...e}):void 0))}async firstUpdated(){await this.picker?.updateComplete,(this.picker??this.nameInput).focus()}render(){let{page:e,drafting:r,original:n}=this,{texts:s}=e;return a`
      <portshare-dialog
        .texts=${s}
        .heading=${s.get(n?"device_edit_title":"device_add_title")}
        .dirty=${this.isChanged}
        @leave=${this.leave}
      >
        <form @submit=${this.submitted}>
          ${n?this.identity(n):this.hostPicker()} ${this.nameField()}
          <button hidden></button>
        </form>
        ${n?p:this.firstShare()}
        ${Ye({texts:s,refused:r.errors.base,busy:r.busy,cancel:()=>this.frame.leave(),apply:this.apply})}
      </portshare-dialog>
    `}identity({mac:e,ipv4:r,ipv6:n}){return a`<p class="of">${[e,r,...n].filter(Boolean).join(" · ")}</p>`}hostPicker(){return a`
      <portshare-host-picker
        .page=${this.page}
        .chosen=${this.mac}
        .error=${this.drafting.errors.device}
        @pick=${this.pick}
      ></portshare-host-picker>
    `}nameField(){let{texts:e}=this.page,{original:r}=this,n=r?this.drafting.errors.name:void 0;return N({id:"device-name",label:e.get("field_device_name"),hint:r?"":e.get("field_device_name_hint"),error:n,control:a`
        <input
          id="device-name"
          maxlength="64"
          autocomplete="off"
          placeholder=${this.knownAs}
          aria-invalid=${R(n)}
          aria-describedby=${M("device-name")}
          .value=${this.name}
          @input=${s=>this.name=s.target.value}
        />
      `})}firstShare(){let{page:e,drafting:r}=this;return a`
      <div class="part">
        <label class="choice">
          <input
            type="checkbox"
            .checked=${this.withShare}
            @change=${n=>{this.withShare=n.target.checked}}
          />
          ${e.texts.get("with_share")}
        </label>
        ${this.withShare?a`
              <portshare-share-form
                .page=${e}
                .applications=${this.applications}
                .draft=${r.draft}
                .errors=${r.errors}
                .checked=${r.checked}
                .proposal=${r.proposal}
                .warning=${r.warning}
                .confirmed=${r.confirmed}
                @draft=${n=>r.change(n.detail)}
                @confirm=${n=>r.confirm(n.detail)}
                @apply=${this.apply}
              ></portshare-share-form>
            `:p}
      </div>
    `}get isChanged(){let e=this.original?.name??"";return this.name!==e||!!this.mac||this.drafting.isChanged}saveNew(){let{drafting:e}=this,r=this.name.trim(),n=e.confirmed?{confirm:!0}:{};return this.page.server.addDevice({mac:this.mac,...r?{name:r}:{},...this.withShare?{share:{...e.fields,...n}}:{}})}saveEdited(e){return this.page.server.updateDevice({device_id:e.id,name:this.name.trim()})}async focusError(){if(await this.updateComplete,this.drafting.errors.device)return this.picker?.focus();if(this.original)return this.nameInput.focus();await this.form?.updateComplete,this.form?.focus()}};T.styles=[$,E,H,K],d([h({attribute:!1})],T.prototype,"page",2),d([h({attribute:!1})],T.prototype,"device",2),d([h({attribute:!1})],T.prototype,"applications",2),d([g()],T.prototype,"mac",2),d([g()],T.prototype,"name",2),d([g()],T.prototype,"knownAs",2),d([g()],T.prototype,"withShare",2),d([S("portshare-dialog")],T.prototype,"frame",2),d([S("portshare-host-picker")],T.prototype,"picker",2),d([S("portshare-share-form")],T.prototype,"form",2),d([S("#device-name")],T.prototype,"nameInput",2),T=d([x("portshare-device-dialog")],T);var q=class extends b{constructor(){super(...arguments);this.minutes=60;this.busy=!1;this.submit=async e=>{e.preventDefault();let{texts:r,format:n,server:s}=this.page;this.busy=!0;try{await s.openTemporarily(this.share.id,this.minutes);let o=n.duration(this.minutes*6e4);W(this,r.get("opened",{share:this.share.name,duration:o})),this.leave()}catch(o){this.refused=o.message,this.busy=!1}};this.leave=()=>{this.frame.close(),A(this)}}async firstUpdated(){await this.frame.updateComplete,this.select.focus()}render(){let{texts:e,format:r}=this.page,n=e.get("field_open");return a`
      <portshare-dialog
        small
        .texts=${e}
        .heading=${e.get("open_title")}
        @leave=${this.leave}
      >
        <form id="form" @submit=${this.submit}>
          <p>${e.get("open_body",{share:this.share.name})}</p>
          ${N({id:"open",label:n,error:this.refused,control:a`
              <select
                id="open"
                aria-invalid=${R(this.refused)}
                aria-describedby=${M("open")}
                @change=${s=>this.minutes=Number(s.target.value)}
              >
                ${Je.map(s=>a`
                    <option value=${s} .selected=${s===this.minutes}>
                      ${r.duration(s*6e4)}
                    </option>
                  `)}
              </select>
            `})}
        </form>
        <button slot="actions" class="button quiet" @click=${this.leave}>
          ${e.get("cancel")}
        </button>
        <button
          slot="actions"
          class="button primary"
          type="button"
          ?disabled=${this.busy}
          @click=${this.submit}
        >
          ${e.get("open_submit")}
        </button>
      </portshare-dialog>
    `}};q.styles=[$,E,H,K],d([h({attribute:!1})],q.prototype,"page",2),d([h({attribute:!1})],q.prototype,"share",2),d([g()],q.prototype,"minutes",2),d([g()],q.prototype,"busy",2),d([g()],q.prototype,"refused",2),d([S("portshare-dialog")],q.prototype,"frame",2),d([S("select")],q.prototype,"select",2),q=d([x("portshare-open-dialog")],q);var G=class extends b{constructor(){super(...arguments);this.busy=!1;this.refused="";this.act=async()=>{this.busy=!0;try{await this.question.act(),W(this,this.question.done),this.leave()}catch(e){this.refused=e.message,this.busy=!1}};this.leave=()=>{this.frame.close(),A(this)}}async firstUpdated(){await this.frame.updateComplete,this.cancel.focus()}render(){let{page:e,question:r}=this;return a`
      <portshare-dialog small .texts=${e.texts} .heading=${r.title} @leave=${this.leave}>
        <p>${r.body}</p>
        ${r.items?.length?a`<ul>
              ${r.items.map(n=>a`<li>${n}</li>`)}
            </ul>`:p}
        ${r.footnote?a`<p>${r.footnote}</p>`:p}
        <p class="problem" role="alert">${this.refused}</p>
        <button slot="actions" class="button quiet" @click=${this.leave}>
          ${e.texts.get("cancel")}
        </button>
        <button slot="actions" class="button danger" ?disabled=${this.busy} @click=${this.act}>
          ${r.yes}
        </button>
      </portshare-dialog>
    `}};G.styles=[$,E,_`
      ul {
        margin-block: 12px;
        padding-inline-start: 20px;
        list-style: disc;
        overflow-wrap: anywhere;
      }
      p + p {
        margin-top: 12px;
      }
    `],d([h({attribute:!1})],G.prototype,"page",2),d([h({attribute:!1})],G.prototype,"question",2),d([g()],G.prototype,"busy",2),d([g()],G.prototype,"refused",2),d([S("portshare-dialog")],G.prototype,"frame",2),d([S(".quiet")],G.prototype,"cancel",2),G=d([x("portshare-question-dialog")],G);var B=class extends b{constructor(){super(...arguments);this.applications=[];this.apply=async()=>{if(this.drafting.busy)return;let{drafting:e,original:r,device:n}=this,{server:s,texts:o}=this.page,{fields:c}=e,l=e.confirmed?{confirm:!0}:{},m=()=>r?s.updateShare({share_id:r.id,...bt(c,r),...l}):s.addShare({device_id:n.id,...c,...l});await e.apply(m)?(W(this,o.get("saved_share",{name:c.name})),this.leave()):(await this.updateComplete,await this.form.updateComplete,this.form.focus())};this.leave=()=>{this.frame.close(),A(this)}}willUpdate(){if(this.drafting)return;let{page:e,share:r}=this;this.original=r,this.drafting=new ue(this,r,e.texts,n=>e.server.checkShare({...this.identity,...this.news(n)}))}async firstUpdated(){await this.form.updateComplete,this.form.focus(),this.drafting.checkSoon()}render(){let{page:e,drafting:r,device:n,original:s}=this,{texts:o}=e;return a`
      <portshare-dialog
        .texts=${o}
        .heading=${s?o.get("share_edit_title"):o.get("share_add_title")}
        .dirty=${r.isChanged}
        @leave=${this.leave}
      >
        <p class="of">${n.name}</p>
        <portshare-share-form
          .page=${e}
          .applications=${this.applications}
          .share=${s}
          .draft=${r.draft}
          .errors=${r.errors}
          .checked=${r.checked}
          .proposal=${r.proposal}
          .warning=${r.warning}
          .confirmed=${r.confirmed}
          @draft=${c=>r.change(c.detail)}
          @confirm=${c=>r.confirm(c.detail)}
          @apply=${this.apply}
        ></portshare-share-form>
        ${Ye({texts:o,refused:r.errors.base,busy:r.busy,cancel:()=>this.frame.leave(),apply:this.apply})}
      </portshare-dialog>
    `}get identity(){let{original:e,device:r}=this;return e?{share_id:e.id}:{device_id:r.id}}news(e){return this.original?bt(e,this.original):e}};B.styles=[$,E,K],d([h({attribute:!1})],B.prototype,"page",2),d([h({attribute:!1})],B.prototype,"device",2),d([h({attribute:!1})],B.prototype,"share",2),d([h({attribute:!1})],B.prototype,"applications",2),d([S("portshare-dialog")],B.prototype,"frame",2),d([S("portshare-share-form")],B.prototype,"form",2),B=d([x("portshare-share-dialog")],B);var ai={ipv4:"IPv4",ipv6:"IPv6"};function ve(i){switch(i.status){case"active":return"nobody_listens"in i&&i.nobody_listens?"warning":"active";case"off":return"off";case"no_internet":case"device_unknown":return"warning";case"conflict":case"blocked":case"error":return"problem"}}function ye(i,t){if(i.status!=="active")return t.get(`status_${i.status}`);if("nobody_listens"in i){if(i.nobody_listens)return t.get("status_nobody_listens");let[e]=i.families;if(i.ipv4&&i.ipv6&&e&&i.families.length===1)return t.get("status_partly",{family:ai[e]})}return t.get("status_active")}function Q(i,t=""){return a`<span class="led ${i}" title=${t}></span>`}var li={share_enabled:"active",mapping_added:"active",internet_restored:"active",mapping_requested:"warning",internet_lost:"problem"},j=class extends b{constructor(){super(...arguments);this.device="";this.answers=new Map;this.refused=new Map}render(){return a`${this.filter()}
      <section class="card" aria-label=${this.page.texts.get("log")}>${this.list()}</section>`}filter(){let{texts:e}=this.page,r=new Map(Object.values(this.state.devices).map(({id:s,name:o})=>[s,o]));for(let{device:s,device_name:o}of this.log??[])s&&!r.has(s)&&r.set(s,o);let n=[...r].sort(([,s],[,o])=>s.localeCompare(o,e.language));return a`
      <label>
        <span class="muted">${e.get("log_of")}</span>
        <select
          @change=${s=>this.device=s.target.value}
        >
          <option value="">${e.get("log_all")}</option>
          ${n.map(([s,o])=>a`<option value=${s}>${o}</option>`)}
        </select>
      </label>
    `}list(){let{texts:e,format:r}=this.page;if(!this.log)return a`<p class="muted">${e.get("log_loading")}</p>`;let n=this.log.filter(o=>!this.device||o.device===this.device).toReversed();if(!n.length)return a`<p class="muted">
        ${e.get(this.device?"log_empty_device":"log_empty")}
      </p>`;let s=new Map;for(let o of n){let c=r.date(o.at);s.set(c,[...s.get(c)??[],o])}return[...s].map(([o,c])=>a`
        <h2>${o}</h2>
        <ol>
          ${X(c,Ve,l=>this.entry(l))}
        </ol>
      `)}entry(e){let{texts:r,format:n}=this.page;return a`
      <li>
        <time datetime=${e.at}>${n.timeWithSeconds(e.at)}</time>
        ${Q(li[e.type]??"off")}
        <span class="what">
          ${e.device_name?a`<b>${e.device_name}</b>`:p} ${e.message}
          ${e.by?a`<span class="muted">${r.get("log_by",{user:e.by})}</span>`:p}
        </span>
        ${e.request_id?this.request(e.request_id):p}
      </li>
    `}request(e){let{texts:r}=this.page,n=this.answers.get(e);if(n)return a`<span class="answers muted" role="status">
        ${r.get(n==="no"?"request_denied":n==="once"?"request_allowed_once":"request_allowed_always")}
      </span>`;let s=this.refused.get(e);return s?a`<span class="answers problem" role="alert">${s}</span>`:a`
      <span class="answers" role="group" aria-label=${r.get("request_question")}>
        <span class="muted">${r.get("request_question")}</span>
        ${["once","always","no"].map(o=>a`
            <button class="button small" @click=${()=>this.answer(e,o)}>
              ${r.get(`request_${o}`)}
            </button>
          `)}
      </span>
    `}async answer(e,r){let{server:n}=this.page;try{await(r==="no"?n.deny(e):n.approve(e,r==="always")),this.answers=new Map(this.answers).set(e,r)}catch(s){this.refused=new Map(this.refused).set(e,s.message)}}};j.styles=[$,E,H,J,_`
      :host {
        display: grid;
        gap: 16px;
      }
      label {
        display: flex;
        align-items: center;
        gap: 8px;
      }
      select {
        width: auto;
        min-width: 0;
        max-width: 320px;
      }
      h2 {
        padding: 16px 16px 8px;
        font-size: 14px;
        font-weight: 500;
      }
      li {
        display: grid;
        grid-template-columns: 92px auto minmax(0, 1fr) auto;
        gap: 4px 12px;
        align-items: center;
        min-height: 44px;
        padding: 8px 16px;
        border-top: 1px solid var(--line);
      }
      time {
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
      .what {
        overflow-wrap: anywhere;
      }
      .answers {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px;
      }
      .card > p {
        padding: 32px 16px;
        text-align: center;
      }
      @media (max-width: 600px) {
        li {
          grid-template-columns: auto minmax(0, 1fr);
        }
        li time {
          grid-column: 2;
          grid-row: 1;
          font-size: 12px;
        }
        .what,
        .answers {
          grid-column: 2;
        }
      }
    `],d([h({attribute:!1})],j.prototype,"page",2),d([h({attribute:!1})],j.prototype,"state",2),d([h({attribute:!1})],j.prototype,"log",2),d([g()],j.prototype,"device",2),d([g()],j.prototype,"answers",2),d([g()],j.prototype,"refused",2),j=d([x("portshare-log-view")],j);function $t(i){return i.enabled&&(i.status!=="active"||i.nobody_listens===!0)}function be(i){let t=e=>e.status==="active";return i.shares.filter(t).length+i.leases.filter(t).length}function et(i,t,e){let r=t.filter.toLowerCase().split(/\s+/).filter(Boolean),n=ur(Object.values(i.shares),l=>l.device),s=ur(Object.values(i.leases),l=>l.device??l.mac),o=[],c=(l,m)=>{let f=(n.get(l)??[]).sort(hi(t.shares,e)),u=(s.get(l)??[]).sort((y,w)=>y.external_port-w.external_port),v=di({id:l,device:m,all:f,shares:f,leases:u},r);v&&o.push(v)};for(let l of Object.values(i.devices))c(l.id,l);for(let l of s.keys())i.devices[l]||c(l,void 0);return o.sort(mi(t.devices,e))}function ur(i,t){let e=new Map;for(let r of i){let n=e.get(t(r));n?n.push(r):e.set(t(r),[r])}return e}function di(i,t){if(!t.length)return i;let{device:e}=i,r=e?[e.name,e.mac,e.ipv4,...e.ipv6]:[i.id],n=t.filter(c=>!xt(r,c));if(!n.length)return i;let s=i.shares.filter(c=>n.every(l=>xt(ci(c),l))),o=i.leases.filter(c=>n.every(l=>xt(pi(c),l)));return s.length||o.length?{...i,shares:s,leases:o}:void 0}function xt(i,t){return i.some(e=>e?.toLowerCase().includes(t))}function ci(i){let t=F(i.port,i.port_end);return[i.name,O[i.protocol],t,Ge(i),...i.calls]}function pi(i){return[i.description,O[i.protocol],`${i.external_port}`,...i.calls]}function hi({column:i,descending:t},e){let r=t?-1:1;return(n,s)=>r*ui(n,s,i,e)||e.compare(n.name,s.name)||(n.id<s.id?-1:1)}function ui(i,t,e,r){switch(e){case"application":return r.compare(i.name,t.name);case"service":return(i.port??0)-(t.port??0);case"ipv4":return(i.external_port??0)-(t.external_port??0)}}function mi(i,t){let e=n=>n.device?.name??n.id,r=n=>n.shares.filter($t).length;return(n,s)=>{let o=0;return i==="open"&&(o=be(s)-be(n)),i==="problems"&&(o=r(s)-r(n)),i==="address"&&(o=mr(n)-mr(s)),o||t.compare(e(n),e(s))||(n.id<s.id?-1:1)}}function mr({device:i}){return i?.ipv4?i.ipv4.split(".").reduce((t,e)=>t*256+Number(e),0):Number.MAX_VALUE}function gr(i,t,e){return e<640?gi(i,t,e):fi(i,t,e)}function fi(i,t,e){let r=i.map(_r),n=Math.max(220,fr(r)+16*(i.length-1))+32,s=Math.min(n/2,260),o=Math.min(420,e*.42),c=yr(i,s,120),l=Math.max(68,c.room+28),m={x:12,y:s-l/2,width:104,height:l},f={...m,x:e*.3-20,width:110},u=e-o-12,v=(n-fr(r)-16*(i.length-1))/2,y=i.map((w,P)=>{let $e={x:u,y:v,width:o,height:r[P]};return v+=r[P]+16,vr($e,w,t,(pe,Et,Lr)=>{let At=c.at(P,Lr),[Or,nt]=[m.x+m.width,f.x+f.width],St=(pe-nt)/2;return`M${Or} ${At}H${nt}C${nt+St} ${At} ${pe-St} ${Et} ${pe} ${Et}`})});return{width:e,height:n,internet:m,gateway:f,devices:y}}function gi(i,t,e){let r={x:12,y:12,width:104,height:48},n={x:12,y:100,width:104,height:48},s=yr(i,r.x+r.width/2,72),o=132,c=n.y+n.height+28,l=i.map((m,f)=>{let u={x:o,y:c,width:e-o-8,height:_r(m)};return c+=u.height+16,vr(u,m,t,(v,y,w)=>{let P=s.at(f,w);return`M${P} ${r.y+r.height}V${y-12}Q${P} ${y} ${Math.min(P+12,v)} ${y}H${v}`})});return{width:e,height:c,internet:r,gateway:n,devices:l}}function vr(i,t,e,r){let n=wt(t).map((s,o)=>{let[c,l]=[i.x,i.y+30+22*o+11];return{one:s,x:c,y:l,path:r(c,l,o),width:vi(e[s.id])}});return{...i,group:t,lines:n,rest:br(t)-n.length}}function yr(i,t,e){let r=[],n=0;for(let c of i)r.push(n),n+=wt(c).length;let s=Math.min(9,e/Math.max(1,n-1));return{at:(c,l)=>Math.round((t+(r[c]+l-(n-1)/2)*s)*10)/10,room:s*(n-1)}}function wt(i){return[...i.shares,...i.leases].slice(0,8)}function br(i){return i.shares.length+i.leases.length}function _r(i){return 30+22*(wt(i).length+(br(i)>8?1:0))+8}function vi(i){let t=i?i.bytes_in+i.bytes_out:0;return 1.5+.6*Math.min(9,Math.max(0,Math.log10(t/1e3||1)))}function fr(i){return i.reduce((t,e)=>t+e,0)}var xr=40,ee=class extends b{constructor(){super(...arguments);this.width=0;this.observer=new ResizeObserver(([e])=>{this.width=Math.floor(e.contentRect.width)-18})}connectedCallback(){super.connectedCallback(),this.observer.observe(this)}disconnectedCallback(){super.disconnectedCallback(),this.observer.disconnect()}render(){let{texts:e}=this.page,r=new Intl.Collator(e.language,{numeric:!0}),n={filter:"",devices:"open",shares:{column:"ipv4",descending:!1}},s=et(this.state,n,r).filter(c=>c.shares.length||c.leases.length);if(!s.length)return a`<section class="card"><p>${e.get("picture_empty")}</p></section>`;let o=s.length-xr;return a`
      <section class="card" aria-label=${e.get("picture_title")}>
        ${this.width>0?this.map(s.slice(0,xr),s.length):p}
        ${o>0?a`<p class="muted">${e.count("picture_more",o)}</p>`:p}
      </section>
      ${this.legend()}
    `}map(e,r){let{texts:n}=this.page,{gateway:s}=this.state,o=gr(e,this.state.traffic,this.width),c=s.name===n.get("gateway")?"":s.name,l=[n.get("picture_title"),n.count("picture_summary",r),n.count("ports_open",s.open_ports)].join(". ");return a`
      <svg
        class="map"
        role="img"
        aria-label=${l}
        viewBox="0 0 ${o.width} ${o.height}"
      >
        ${o.devices.map(m=>this.device(m))}
        ${this.node(o.internet,n.get("internet"),s.external_ipv4??"")}
        ${this.node(o.gateway,n.get("gateway"),c)}
      </svg>
    `}node(e,r,n){let s=e.x+e.width/2,o=e.y+e.height/2;return ae`
      <g class="node ${this.state.gateway.internet.length?"":"down"}">
        <rect x=${e.x} y=${e.y} width=${e.width} height=${e.height} rx="12"></rect>
        <text class="heading" text-anchor="middle" x=${s} y=${o+(n?-3:5)}>${r}</text>
        <text class="small" text-anchor="middle" x=${s} y=${o+15}>${kt(n,15)}</text>
      </g>
    `}device(e){let{texts:r}=this.page,{group:n}=e,s=n.device?.name??n.id,o=Math.floor((e.width-24)/7),c=e.y+e.height-12;return ae`
      <g>
        <rect x=${e.x} y=${e.y} width=${e.width} height=${e.height} rx="8"></rect>
        <text class="heading" x=${e.x+16} y=${e.y+21}>
          ${kt(s,o)}
          <title>${s}: ${r.count("ports_open",be(n))}</title>
        </text>
        ${e.lines.map(l=>this.line(l,o))}
        ${e.rest?ae`<text class="small" x=${e.x+16} y=${c}>
                ${r.get("picture_rest",{count:e.rest})}
              </text>`:p}
      </g>
    `}line({one:e,path:r,x:n,y:s,width:o},c){let{texts:l,format:m}=this.page,f=this.state.traffic[e.id],u=f&&l.get("traffic",{connections:m.number(f.connections),in:m.bytes(f.bytes_in),out:m.bytes(f.bytes_out)}),v=[$r(e),ye(e,l),...e.calls,u].filter(Boolean);return ae`
      <g class="line ${ve(e)}">
        <path d=${r} stroke-width=${o}></path>
        <circle cx=${n} cy=${s} r=${Math.max(4,o/2+2)}></circle>
        <text class="small" x=${n+16} y=${s+4}>${kt($r(e),c)}</text>
        <title>${v.join(`
`)}</title>
      </g>
    `}legend(){let{texts:e}=this.page,r=(s,o)=>a`<li><span class="led ${s}"></span>${o}</li>`,n=Object.keys(this.state.traffic).length>0;return a`
      <ul aria-label=${e.get("picture_legend")} class="muted">
        ${r("active",e.get("picture_active"))}
        ${r("warning",e.get("picture_problem"))} ${r("off",e.get("picture_off"))}
        ${n?a`<li>${e.get("picture_traffic")}</li>`:p}
      </ul>
    `}};ee.styles=[$,J,_`
      :host {
        display: grid;
        gap: 16px;
        grid-template-columns: minmax(0, 1fr);
      }
      .card {
        padding: 8px;
        overflow: hidden;
      }
      .card > p {
        padding: 24px 16px;
        text-align: center;
      }
      svg.map {
        display: block;
        width: 100%;
      }
      rect {
        fill: color-mix(in srgb, var(--text) 4%, var(--surface));
        stroke: var(--line);
      }
      .node rect {
        fill: color-mix(in srgb, var(--accent) 12%, var(--surface));
        stroke: color-mix(in srgb, var(--accent) 50%, var(--surface));
      }
      .node.down rect {
        fill: color-mix(in srgb, var(--warn) 14%, var(--surface));
        stroke: var(--warn);
      }
      text {
        fill: var(--text);
        font-size: 13px;
      }
      .heading {
        font-weight: 500;
      }
      .small {
        fill: var(--muted);
        font-size: 12px;
        font-variant-numeric: tabular-nums;
      }
      path {
        fill: none;
        stroke: var(--muted);
        stroke-linecap: round;
      }
      .active path {
        stroke: var(--good);
      }
      .warning path {
        stroke: var(--warn);
        stroke-dasharray: 6 5;
      }
      .problem path {
        stroke: var(--bad);
        stroke-dasharray: 2 5;
      }
      .off path {
        opacity: 0.45;
        stroke-dasharray: 1 6;
      }
      circle {
        stroke: none;
        fill: var(--muted);
      }
      .active circle {
        fill: var(--good);
      }
      .warning circle {
        fill: var(--warn);
      }
      .problem circle {
        fill: var(--bad);
      }
      .line:hover path {
        filter: brightness(1.25);
        stroke-dasharray: none;
        opacity: 1;
      }
      .line:hover .small {
        fill: var(--text);
      }
      ul {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 20px;
      }
      li {
        display: inline-flex;
        align-items: center;
        gap: 8px;
      }
    `],d([h({attribute:!1})],ee.prototype,"page",2),d([h({attribute:!1})],ee.prototype,"state",2),d([g()],ee.prototype,"width",2),ee=d([x("portshare-picture-view")],ee);function $r(i){let t="name"in i,e=t?i.name:i.description,r=t?F(i.external_port??i.port,null):`${i.external_port}`;return[e,[O[i.protocol],r].filter(Boolean).join(" ")].filter(Boolean).join(" · ")}function kt(i,t){return i.length>t?`${i.slice(0,t-1)}…`:i}async function wr(i){try{if(navigator.clipboard)return await navigator.clipboard.writeText(i),!0}catch{}let t=document.createElement("textarea");t.value=i,t.style.cssText="position:fixed;opacity:0";let e=yi();document.body.append(t),t.select();let r=document.execCommand("copy");return t.remove(),e?.focus(),r}function yi(){let i=document.activeElement;for(;i?.shadowRoot?.activeElement;)i=i.shadowRoot.activeElement;return i}function Er(i){let{page:t,share:e,device:r}=i;return a`
    <tr role="row" class="share" data-share=${e.id}>
      ${bi(i)}
      <td role="cell" class="service" data-label=${t.texts.get("column_service")}>
        ${tt(t,e)}
      </td>
      ${kr(t,e,"ipv4",Ge(e))}
      ${kr(t,e,"ipv6",Wt(e))}
      <td role="cell" class="call">${Me(t,e.calls)}</td>
      <td role="cell" class="on">${$i(i)}</td>
      <td role="cell" class="actions">
        ${_e("clock",t.texts.get("open_share_temporarily",{share:e.name}),n=>A(n,{kind:"open",share:e}))}
        ${_e("edit",t.texts.get("edit_share",{share:e.name}),n=>A(n,{kind:"share",device:r,share:e}))}
        ${_e("delete",t.texts.get("delete_share",{share:e.name}),n=>wi(n,t,e))}
      </td>
    </tr>
  `}function bi({page:i,share:t,traffic:e,refused:r}){let{texts:n}=i,s=ye(t,n),o=!$t(t)&&s===n.get(`status_${t.status}`);return a`
    <th role="rowheader" scope="row" class="application">
      ${Q(ve(t),s)}
      <div>
        <span class="name">${t.name}</span>
        <span class=${o?"for-screen-readers":"status"}>${s}</span>
        ${t.sources.length?a`<span class="chip" title=${t.sources.join(`
`)}>
              ${n.count("callers",t.sources.length)}
            </span>`:p}
        ${t.enabled&&t.open_until?a`<span class="chip" title=${i.format.moment(t.open_until)}>
              ${k("clock")}<span class="for-screen-readers">${n.get("column_closes")}</span>
              <portshare-time-left .page=${i} until=${t.open_until}></portshare-time-left>
            </span>`:p}
        ${xi(i,e)}
        ${r?a`<span class="refused" role="alert" id="refused-${t.id}">${r}</span>`:p}
      </div>
    </th>
  `}function tt({texts:i},t){return t.protocol==="exposed_host"?i.get("everything"):de(t.protocol)?`${O[t.protocol]} ${F(t.port,t.port_end)}`:O[t.protocol]}function kr(i,t,e,r){let{texts:n}=i,s=n.get(`column_${e}`),o=t.families.includes(e),c=r||(t[e]?tt(i,t):"–");return a`
    <td role="cell" class="${e} ${o?"":"muted"}" data-label=${s}>
      ${c}${t[e]&&!o?a`<span class="for-screen-readers">, ${n.get("not_open_now")}</span>`:p}
    </td>
  `}function Me({texts:i},t){return t.map(e=>a`
      <button
        class="copy"
        title=${i.get("copy",{text:e})}
        @click=${r=>_i(r.currentTarget,i,e)}
      >
        <code>${e}</code>${k("copy")}
      </button>
    `)}async function _i(i,t,e){let r=await wr(e);W(i,t.get(r?"copied":"copy_failed",{text:e}))}function xi({texts:i,format:t},e){if(!e?.last_visitor||!e.last_call)return p;let r=i.get("traffic",{connections:t.number(e.connections),in:t.bytes(e.bytes_in),out:t.bytes(e.bytes_out)});return a`
    <span class="caller muted" title=${r}>
      ${i.get("last_visitor",{address:e.last_visitor,at:t.recent(e.last_call)})}
    </span>
  `}function $i({page:i,share:t,device:e,wanted:r,refused:n,toggle:s}){let o=r??t.enabled;return a`
    <button
      class="switch"
      role="switch"
      aria-checked=${o}
      aria-busy=${r!==void 0}
      aria-label=${i.texts.get("switch_share",{share:t.name,device:e.name})}
      aria-describedby=${n?`refused-${t.id}`:p}
      @click=${()=>s(t,!o)}
    ></button>
  `}function _e(i,t,e){return a`
    <button
      class="icon-button"
      aria-label=${t}
      title=${t}
      @click=${r=>e(r.currentTarget)}
    >
      ${k(i)}
    </button>
  `}function wi(i,{texts:t,server:e},r){A(i,{kind:"question",question:{title:t.get("delete_share_title",{share:r.name}),body:t.get("delete_share_body"),items:r.calls,yes:t.get("delete"),act:()=>e.removeShare(r.id),done:t.get("deleted",{name:r.name})}})}var rt=_`
  .copy {
    position: relative;
    display: inline-flex;
    align-items: center;
    gap: 6px;
    max-width: 100%;
    min-height: 24px;
    margin-inline-start: -6px;
    padding: 0 6px;
    border: 0;
    border-radius: var(--small-radius);
    background: none;
    text-align: start;
  }
  .copy:hover {
    background: var(--hover);
  }
  .copy code {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    font-family: var(--mono);
    font-size: 12.5px;
  }
  .copy .icon {
    width: 16px;
    height: 16px;
    color: var(--muted);
  }
`;var ce=class extends b{constructor(){super(...arguments);this.askToClose=()=>{let{texts:e,server:r}=this.page;this.ask({title:e.get("close_all_title"),body:e.get("close_all_body"),yes:e.get("close_all"),act:r.closeAll,done:e.get("close_all_done")})};this.askToDisable=()=>{let{texts:e,server:r}=this.page;this.ask({title:e.get("disable_independent_title"),body:e.count("disable_independent_body",this.gateway.unused_permissions),yes:e.get("disable_independent"),act:r.disableIndependent,done:e.get("disable_independent_done")})}}render(){let{gateway:e}=this,{texts:r,format:n}=this.page;return a`
      <section class="card" aria-label=${r.get("overview")}>
        <p class="open">
          <strong>${n.number(e.open_ports)}</strong>
          <span class="muted">${r.count("open_ports",e.open_ports)}</span>
        </p>
        <dl>
          <div>
            <dt>${r.get("internet")}</dt>
            <dd>${Q(e.internet.length?"active":"warning")} ${this.internet()}</dd>
          </div>
          ${this.address(r.get("address_ipv4"),e.external_ipv4)}
          ${this.address(r.get("address_ipv6"),e.external_ipv6)}
          ${this.address(r.get("dns_name"),e.dns_name)}
        </dl>
        ${e.available?p:a`<p class="unavailable" role="alert">${r.get("gateway_unavailable")}</p>`}
        ${this.actions()}
      </section>
    `}internet(){let{internet:e}=this.gateway,{texts:r}=this.page;return e.length>1?r.get("internet_both"):r.get(e[0]?`internet_${e[0]}`:"internet_none")}address(e,r){return r?a`
      <div>
        <dt>${e}</dt>
        <dd>${Me(this.page,[r])}</dd>
      </div>
    `:p}actions(){let{texts:e}=this.page,{unused_permissions:r}=this.gateway;return a`
      <div class="buttons">
        <button class="button primary" @click=${()=>A(this,{kind:"device"})}>
          ${k("plus")}${e.get("add_device")}
        </button>
        <button
          class="button push"
          ?disabled=${!r}
          title=${r?"":e.get("disable_independent_none")}
          @click=${this.askToDisable}
        >
          ${e.get("disable_independent")}
        </button>
        <button class="button" @click=${this.askToClose}>
          ${k("lock")}${e.get("close_all")}
        </button>
      </div>
    `}ask(e){A(this,{kind:"question",question:e})}};ce.styles=[$,E,J,rt,_`
      section {
        display: flex;
        flex-wrap: wrap;
        gap: 16px 40px;
        align-items: center;
        padding: 16px;
      }
      .open {
        display: flex;
        align-items: baseline;
        gap: 8px;
      }
      .open strong {
        font-size: 36px;
        font-weight: 400;
        line-height: 40px;
        font-variant-numeric: tabular-nums;
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 12px 32px;
        min-width: 0;
      }
      dl > div {
        min-width: 0;
      }
      dt {
        color: var(--muted);
        font-size: 12px;
        line-height: 16px;
      }
      dd {
        display: flex;
        align-items: center;
        gap: 10px;
        min-height: 24px;
      }
      .copy,
      .copy code {
        max-width: none;
        white-space: normal;
        overflow-wrap: anywhere;
      }
      .buttons {
        display: flex;
        flex-wrap: wrap;
        gap: 8px;
        flex: 1 1 100%;
        padding-top: 12px;
        border-top: 1px solid var(--line);
      }
      .unavailable {
        flex: 1 1 100%;
        padding: 10px 16px;
        border-radius: var(--small-radius);
        background: color-mix(in srgb, var(--warn) 20%, var(--surface));
      }
      .push {
        margin-inline-start: auto;
      }
      @media (max-width: 600px) {
        .button {
          flex: 1 1 auto;
        }
      }
    `],d([h({attribute:!1})],ce.prototype,"page",2),d([h({attribute:!1})],ce.prototype,"gateway",2),ce=d([x("portshare-overview")],ce);var ki={},it=Xe(class extends me{constructor(){super(...arguments),this.ot=ki}render(i,t){return t()}update(i,[t,e]){if(Array.isArray(t)){if(Array.isArray(this.ot)&&this.ot.length===t.length&&t.every((r,n)=>r===this.ot[n]))return I}else if(this.ot===t)return I;return this.ot=Array.isArray(t)?Array.from(t):t,this.render(t,e)}});function Ar(i){let{page:t,group:e,refused:r}=i,{device:n}=e;return a`
    <tr role="row" class="device" data-device=${e.id}>
      <th role="rowheader" scope="rowgroup" colspan="7" aria-colspan="7">
        <div class="who">
          ${n?Ei(t,n):p}
          <h2>${n?.name??e.id}</h2>
          ${n?Ai(t,n):Si(t)} ${Pi(t,e)}
        </div>
        <div class="what">
          ${Ti(i)} ${n?Ci(i,n):p}
          ${n?Mi(t,n,e):p}
        </div>
        ${r?a`<p class="refused" role="alert">${r}</p>`:p}
      </th>
    </tr>
  `}function Ei({texts:i},t){let e=i.get(t.online?"online":"offline");return a`
    <span class="presence ${t.online?"online":""}" title=${e}>
      ${k("device")}<span class="for-screen-readers">${e}</span>
    </span>
  `}function Ai({texts:i},t){let[e,...r]=t.ipv6,n=[t.ipv4,...t.ipv6,t.mac].filter(Boolean).join(`
`);return!t.ipv4&&!e?a`<span class="address muted" title=${n}>${i.get("no_address")}</span>`:a`
    <span class="address muted" title=${n}>
      ${t.ipv4?a`<code>${t.ipv4}</code>`:p}
      ${e?a`<code>${e}</code>`:p}
      ${r.length?i.get("more_addresses",{count:r.length}):p}
    </span>
  `}function Si({texts:i}){return a`<span class="muted">${i.get("device_of_lease_unknown")}</span>`}function Pi({texts:i},t){let e=be(t);return e?a`<span class="count">${i.count("ports_open",e)}</span>`:p}function Ti({page:{texts:i},group:t,isUnfolded:e,unfold:r}){let{device:n,leases:s}=t;return s.length?a`
    <button class="unfold" aria-expanded=${e} @click=${r}>
      ${k("unfold")}${i.count("leases",s.length)}
    </button>
  `:n?.independent?a`<span class="muted">${i.get("leases_none")}</span>`:p}function Ci({page:{texts:i},wanted:t,permit:e},r){let n=t??r.independent;return a`
    <span class="permission">
      <span aria-hidden="true">${i.get("independent")}</span>
      <button
        class="switch"
        role="switch"
        aria-checked=${n}
        aria-busy=${t!==void 0}
        aria-label=${i.get("independent_of",{device:r.name})}
        @click=${()=>e(r,!n)}
      ></button>
    </span>
  `}function Mi(i,t,e){let{texts:r}=i,n=r.get("add_share_to",{device:t.name});return a`
    <span class="actions">
      <button
        class="button quiet small"
        aria-label=${n}
        @click=${s=>A(s.currentTarget,{kind:"share",device:t})}
      >
        ${k("plus")}${r.get("add_share")}
      </button>
      ${_e("edit",r.get("edit_device",{device:t.name}),s=>A(s,{kind:"device",device:t}))}
      ${_e("delete",r.get("delete_device",{device:t.name}),s=>Ri(s,i,t,e))}
    </span>
  `}function Ri(i,t,e,r){let{texts:n,server:s}=t,{all:o,leases:c}=r;A(i,{kind:"question",question:{title:n.get("delete_device_title",{device:e.name}),body:o.length?n.count("delete_device_body",o.length):n.get("delete_device_no_shares"),items:o.map(l=>`${l.name} · ${tt(t,l)}`),...c.length?{footnote:n.get("delete_device_leases")}:{},yes:n.get("delete"),act:()=>s.removeDevice(e.id),done:n.get("deleted",{name:e.name})}})}var Li={pcp:"PCP",natpmp:"NAT-PMP",upnp:"UPnP"};function Sr(i,t){let{texts:e}=i,r=ye(t,e),n=Kt(t),s=t.status==="active"?"for-screen-readers":"status";return a`
    <tr role="row" class="lease">
      <th role="rowheader" scope="row" class="application">
        ${Q(ve(t),r)}
        <div>
          <span class="name">${t.description||e.get("lease_unnamed")}</span>
          <span class=${s}>${r}</span>
          <span class="muted asked">
            ${e.get("lease_asked_by",{protocols:t.asked_by.map(o=>Li[o]??o).join(", ")})}
          </span>
        </div>
      </th>
      <td role="cell" class="service" data-label=${e.get("column_service")}>
        ${O[t.protocol]} ${t.port}
      </td>
      <td role="cell" class="ipv4" data-label=${e.get("column_ipv4")}>
        ${n?"–":t.external_port}
      </td>
      <td role="cell" class="ipv6" data-label=${e.get("column_ipv6")}>
        ${n?t.port:"–"}
      </td>
      <td role="cell" class="call">${Me(i,t.calls)}</td>
      <td role="cell" class="expires" colspan="2" aria-colspan="2">
        <span class="muted">${e.get("lease_expires")}</span>
        <portshare-time-left .page=${i} until=${t.expires}></portshare-time-left>
      </td>
    </tr>
  `}var Pr=_`
  :host {
    display: block;
    container-type: inline-size;
    --columns: minmax(180px, 1.3fr) 110px 92px 92px minmax(200px, 1.5fr) 64px 112px;
    --head-top: var(--portshare-head-top, 0px);
  }
  table,
  thead,
  tbody {
    display: block;
  }
  tr {
    display: grid;
    grid-template-columns: var(--columns);
    column-gap: 12px;
    align-items: center;
    padding: 0 16px;
  }
  th,
  td {
    padding: 0;
    min-width: 0;
    font-weight: inherit;
    text-align: start;
  }

  thead {
    position: sticky;
    top: var(--head-top);
    z-index: 1;
    background: var(--page);
    color: var(--muted);
    font-size: 12px;
    line-height: 16px;
  }
  thead tr {
    min-height: 40px;
  }
  thead button {
    display: inline-flex;
    align-items: center;
    gap: 2px;
    margin-inline-start: -6px;
    padding: 6px;
    border: 0;
    border-radius: var(--small-radius);
    background: none;
    font: inherit;
    text-align: start;
  }
  thead button:hover {
    background: var(--hover);
  }
  thead .icon {
    width: 16px;
    height: 16px;
  }
  [aria-sort="descending"] .icon {
    rotate: 180deg;
  }
  thead .on,
  thead .actions,
  .expires {
    text-align: end;
  }

  tbody {
    content-visibility: auto;
    margin-bottom: 12px;
    overflow: hidden;
    background: var(--surface);
    border: var(--ha-card-border-width, 1px) solid var(--ha-card-border-color, var(--line));
    border-radius: var(--radius);
  }
  .device {
    display: block;
    padding: 8px 16px;
  }
  .device th,
  .who,
  .what,
  .address,
  .permission,
  .device .actions {
    display: flex;
    align-items: center;
    gap: 4px 12px;
  }
  .device th {
    flex-wrap: wrap;
    justify-content: space-between;
  }
  .who,
  .what {
    flex-wrap: wrap;
    min-height: 40px;
    min-width: 0;
  }
  .what {
    margin-inline-start: auto;
    justify-content: flex-end;
    font-size: 13px;
  }
  h2 {
    font-size: 16px;
    font-weight: 500;
    overflow-wrap: anywhere;
  }
  .presence {
    display: inline-flex;
    color: var(--muted);
    opacity: 0.6;
  }
  .presence.online {
    color: var(--good-text);
    opacity: 1;
  }
  code {
    font-family: var(--mono);
    font-size: 12.5px;
  }
  .address {
    flex-wrap: wrap;
  }
  .count {
    padding: 1px 8px;
    border-radius: 10px;
    background: color-mix(in srgb, var(--good) 16%, transparent);
    color: var(--good-text);
    font-size: 12px;
    white-space: nowrap;
  }
  .device .actions {
    gap: 0;
  }
  .unfold {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    min-height: 32px;
    padding: 0 8px 0 4px;
    border: 0;
    border-radius: var(--small-radius);
    background: none;
    color: var(--accent-text);
  }
  .unfold:hover {
    background: var(--hover);
  }
  .unfold[aria-expanded="true"] .icon {
    rotate: 180deg;
  }

  .share,
  .lease,
  .none {
    min-height: 44px;
    padding-block: 4px;
    border-top: 1px solid var(--line);
  }
  .none {
    display: block;
    padding-block: 12px;
  }
  .nothing {
    padding: 32px 16px;
    text-align: center;
  }
  .share:hover {
    background: color-mix(in srgb, var(--text) 3%, transparent);
  }
  .lease {
    background: color-mix(in srgb, var(--text) 3%, transparent);
  }
  .application {
    display: flex;
    align-items: center;
    gap: 12px;
  }
  .application > div {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    gap: 2px 8px;
    min-width: 0;
  }
  .name {
    font-weight: 500;
    overflow-wrap: anywhere;
  }
  .status,
  .refused,
  .asked,
  .caller {
    flex-basis: 100%;
    font-size: 12px;
    line-height: 16px;
  }
  .status {
    color: var(--muted);
  }
  .refused {
    color: var(--bad-text);
  }
  .chip {
    display: inline-flex;
    align-items: center;
    gap: 4px;
    padding: 0 8px;
    border-radius: 10px;
    background: var(--hover);
    font-size: 12px;
    white-space: nowrap;
  }
  .chip .icon {
    width: 14px;
    height: 14px;
  }
  .service,
  .ipv4,
  .ipv6 {
    font-variant-numeric: tabular-nums;
  }
  .call {
    display: flex;
    flex-direction: column;
    align-items: flex-start;
  }
  .on {
    display: flex;
    justify-content: flex-end;
  }
  .share .actions {
    display: flex;
    justify-content: flex-end;
  }
  .expires {
    grid-column: span 2;
    font-variant-numeric: tabular-nums;
  }

  @container (max-width: 900px) {
    thead {
      display: none;
    }
    .share,
    .lease {
      grid-template-columns: repeat(3, minmax(0, 1fr)) auto;
      grid-template-areas:
        "application application application on"
        "service ipv4 ipv6 actions"
        "call call call call";
      gap: 4px 12px;
      padding-block: 10px;
    }
    .lease {
      grid-template-areas:
        "application application application application"
        "service ipv4 ipv6 expires"
        "call call call call";
    }
    .share > *,
    .lease > * {
      min-width: 0;
    }
    .application {
      grid-area: application;
    }
    .service {
      grid-area: service;
    }
    .ipv4 {
      grid-area: ipv4;
    }
    .ipv6 {
      grid-area: ipv6;
    }
    .call {
      grid-area: call;
    }
    .on {
      grid-area: on;
    }
    .share .actions {
      grid-area: actions;
    }
    .expires {
      grid-area: expires;
    }
    [data-label] {
      align-self: start;
    }
    [data-label]::before {
      content: attr(data-label);
      display: block;
      color: var(--muted);
      font-size: 12px;
      line-height: 16px;
    }
    .call {
      flex-flow: row wrap;
      column-gap: 12px;
    }
  }
  @container (max-width: 520px) {
    tr,
    .device {
      padding-inline: 12px;
    }
    .share {
      grid-template-areas:
        "application application application on"
        "service ipv4 ipv6 ipv6"
        "call call actions actions";
      grid-template-columns: repeat(2, minmax(0, 1fr)) minmax(44px, 0.6fr) 44px;
    }
    .share .actions {
      align-self: end;
      margin-inline-end: -6px;
    }
    .share .call {
      flex-wrap: nowrap;
      flex-direction: column;
    }
    .lease {
      grid-template-areas:
        "application application application application"
        "service ipv4 ipv6 ipv6"
        "call call call call"
        "expires expires expires expires";
    }
    .expires {
      text-align: start;
    }
    .copy {
      min-height: 32px;
    }
    .what {
      width: 100%;
      justify-content: space-between;
    }
  }
`;var xe=class extends b{createRenderRoot(){return this}disconnectedCallback(){super.disconnectedCallback(),clearTimeout(this.timer)}connectedCallback(){super.connectedCallback(),this.requestUpdate()}render(){let t=Math.max(0,Date.parse(this.until)-Date.now());clearTimeout(this.timer);let e=t>6e4?(t-1)%6e4:(t-1)%1e3;return t>0&&this.isConnected&&(this.timer=setTimeout(()=>this.requestUpdate(),e+1)),this.page.format.duration(t)}};d([h({attribute:!1})],xe.prototype,"page",2),d([h()],xe.prototype,"until",2),xe=d([x("portshare-time-left")],xe);var Tr=20,Oi=20,Di=1500,Ii=["application","service","ipv4","ipv6","call","on","actions"],Hi=["application","service","ipv4"],D=class extends b{constructor(){super(...arguments);this.groups=[];this.drawn=Tr;this.unfolded=new Set;this.wishes=new Map;this.refused=new Map}willUpdate(e){if(e.has("state")||e.has("wish")||e.has("page")){let r=new Intl.Collator(this.page.texts.language,{numeric:!0});this.groups=et(this.state,this.wish,r),this.drawn=Math.max(Tr,Math.min(this.drawn,this.groups.length)),this.forgetArrived()}}updated(){this.drawn<this.groups.length&&requestAnimationFrame(()=>this.drawn+=Oi)}render(){let{texts:e}=this.page,r=this.wish.filter?e.count("found",this.groups.length):"";return a`
      <p class="for-screen-readers" role="status">${r}</p>
      <table role="table" aria-label=${e.get("shares")}>
        <thead role="rowgroup">
          <tr role="row">
            ${Ii.map(n=>this.columnHeader(n))}
          </tr>
        </thead>
        ${X(this.groups.slice(0,this.drawn),n=>n.id,n=>this.group(n))}
      </table>
      ${this.groups.length?p:this.nothingFound()}
    `}nothingFound(){let{texts:e}=this.page;return a`
      <p class="nothing">
        ${e.get("nothing_found",{filter:this.wish.filter})}
        <button
          class="button quiet"
          @click=${()=>this.dispatchEvent(new CustomEvent("clear-filter"))}
        >
          ${e.get("clear_filter")}
        </button>
      </p>
    `}columnHeader(e){let{texts:r}=this.page,n=r.get(`column_${e}`),{column:s,descending:o}=this.wish.shares;return Hi.includes(e)?a`
      <th role="columnheader" scope="col" class=${e} aria-sort=${e===s?o?"descending":"ascending":"none"}>
        <button @click=${()=>this.sort(e)}>
          <span>${n}</span>${e===s?k("up"):p}
        </button>
      </th>
    `:a`<th role="columnheader" scope="col" class=${e}><span>${n}</span></th>`}group(e){let{id:r,device:n,all:s,shares:o,leases:c}=e,l=this.unfolded.has(r)||!o.length&&c.length>0&&!n,m=57+45*Math.max(1,o.length);return a`
      <tbody role="rowgroup" style="contain-intrinsic-block-size: auto ${m}px">
        ${it([this.page,n,l,this.wishes.get(r),this.refused.get(r),...s,...c],()=>Ar({page:this.page,group:e,isUnfolded:l,wanted:this.wishes.get(r)?.on,refused:this.refused.get(r),permit:(f,u)=>this.permit(f,u),unfold:()=>this.unfold(r)}))}
        ${X(o,f=>f.id,f=>this.share(f,n))}
        ${o.length?p:this.noShares(s.length,c.length)}
        ${l?X(c,f=>f.id,f=>it([this.page,f],()=>Sr(this.page,f))):p}
      </tbody>
    `}share(e,r){let n=this.state.traffic[e.id],s=this.wishes.get(e.id)?.on,o=this.refused.get(e.id);return it([this.page,e,r,n,s,o],()=>Er({page:this.page,share:e,device:r,traffic:n,wanted:s,refused:o,toggle:(c,l)=>this.toggle(c,l)}))}noShares(e,r){return r&&!e?p:a`
      <tr role="row" class="none">
        <td role="cell" aria-colspan="7" colspan="7" class="muted">
          ${this.page.texts.get(e?"filtered_out":"no_shares")}
        </td>
      </tr>
    `}sort(e){let{column:r,descending:n}=this.wish.shares,s={column:e,descending:e===r&&!n};this.dispatchEvent(new CustomEvent("sort-shares",{detail:s}))}unfold(e){let r=new Set(this.unfolded);r.delete(e)||r.add(e),this.unfolded=r}toggle(e,r){this.change(e.id,r,()=>this.page.server.switchShare(e,r))}permit(e,r){this.change(e.id,r,()=>this.page.server.updateDevice({device_id:e.id,independent:r}))}async change(e,r,n){if(this.wishes.has(e))return;let s={on:r};this.wishes=new Map(this.wishes).set(e,s),this.refused=Cr(this.refused,e);try{await n(),setTimeout(()=>this.forget(e,s),Di)}catch(o){this.forget(e,s),this.refused=new Map(this.refused).set(e,o.message)}}forget(e,r){this.wishes.get(e)===r&&(this.wishes=Cr(this.wishes,e))}forgetArrived(){for(let[e,r]of this.wishes){let n=this.state.shares[e]?.enabled??this.state.devices[e]?.independent;(n===void 0||n===r.on)&&this.forget(e,r)}}};D.styles=[$,E,J,rt,Pr],d([h({attribute:!1})],D.prototype,"page",2),d([h({attribute:!1})],D.prototype,"state",2),d([h({attribute:!1})],D.prototype,"wish",2),d([g()],D.prototype,"groups",2),d([g()],D.prototype,"drawn",2),d([g()],D.prototype,"unfolded",2),d([g()],D.prototype,"wishes",2),d([g()],D.prototype,"refused",2),D=d([x("portshare-shares-table")],D);function Cr(i,t){let e=new Map(i);return e.delete(t),e}var Ni=["name","address","open","problems"],te=class extends b{constructor(){super(...arguments);this.wish={filter:"",devices:"name",shares:{column:"application",descending:!1}}}render(){let{page:e,state:r}=this,n=!Object.keys(r.devices).length&&!Object.keys(r.leases).length;return a`
      <portshare-overview .page=${e} .gateway=${r.gateway}></portshare-overview>
      ${n?this.empty():this.table()}
    `}empty(){let{texts:e}=this.page;return a`
      <section class="card empty">
        ${k("lock")}
        <h2>${e.get("empty_title")}</h2>
        <p class="muted">${e.get("empty_body")}</p>
        <button class="button primary" @click=${()=>A(this,{kind:"device"})}>
          ${k("plus")}${e.get("add_device")}
        </button>
      </section>
    `}table(){let{texts:e}=this.page,{wish:r}=this;return a`
      <div class="tools" role="search">
        <div class="filter">
          ${k("search")}
          <input
            type="search"
            aria-label=${e.get("filter")}
            placeholder=${e.get("filter_placeholder")}
            .value=${r.filter}
            @input=${n=>this.want({filter:Mr(n)})}
          />
        </div>
        <label class="sort">
          <span class="muted">${e.get("sort_devices")}</span>
          <select @change=${n=>this.want({devices:Mr(n)})}>
            ${Ni.map(n=>a`
                <option value=${n} .selected=${n===r.devices}>
                  ${e.get(`sort_${n}`)}
                </option>
              `)}
          </select>
        </label>
      </div>
      <portshare-shares-table
        .page=${this.page}
        .state=${this.state}
        .wish=${r}
        @sort-shares=${n=>this.want({shares:n.detail})}
        @clear-filter=${()=>this.want({filter:""})}
      ></portshare-shares-table>
    `}want(e){this.wish={...this.wish,...e}}};te.styles=[$,E,H,_`
      :host {
        display: grid;
        grid-template-columns: minmax(0, 1fr);
        gap: 16px;
      }
      .tools {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 8px 16px;
      }
      .filter {
        position: relative;
        flex: 1 1 240px;
        max-width: 420px;
      }
      .filter .icon {
        position: absolute;
        inset: 10px auto auto 10px;
        color: var(--muted);
        pointer-events: none;
      }
      .filter input {
        padding-inline-start: 38px !important;
      }
      .sort {
        display: flex;
        align-items: center;
        gap: 8px;
        margin-inline-start: auto;
        white-space: nowrap;
      }
      .sort select {
        width: auto;
      }
      .empty {
        display: grid;
        justify-items: center;
        gap: 12px;
        padding: 48px 24px;
        text-align: center;
      }
      .empty p {
        max-width: 46ch;
      }
      .empty h2 {
        font-size: 20px;
        font-weight: 500;
        line-height: 28px;
      }
      .empty > .icon {
        width: 48px;
        height: 48px;
        color: var(--good-text);
      }
    `],d([h({attribute:!1})],te.prototype,"page",2),d([h({attribute:!1})],te.prototype,"state",2),d([g()],te.prototype,"wish",2),te=d([x("portshare-shares-view")],te);function Mr(i){return i.target.value}var zi=5e3,Rr=["shares","log","picture"],C=class extends b{constructor(){super(...arguments);this.narrow=!1;this.isConnectedToServer=!0;this.hidesSidebar=!1;this.absence="waiting";this.told="";this.server=new We(()=>this.hassNow);this.hear=e=>{"snapshot"in e?(this.data=e.snapshot??void 0,e.snapshot?this.loadLog():this.miss("not_running")):this.data&&(this.data=Yt(this.data,e.changes),this.log&&e.changes.log&&(this.log=Xt(this.log,e.changes.log)))};this.miss=e=>{this.data=void 0,this.dialog=void 0,this.absence=e};this.toggleMenu=()=>{this.dispatchEvent(new CustomEvent("hass-toggle-menu",{bubbles:!0,composed:!0}))};this.changeDialog=async({detail:e})=>{this.dialog=e,await this.updateComplete,!e&&!this.shadowRoot?.activeElement&&this.heading.focus()};this.tell=({detail:e})=>{this.told=e,clearTimeout(this.toldTimer),this.toldTimer=setTimeout(()=>this.told="",zi)}}set hass(e){let r=this.hassNow;this.hassNow=e,this.isConnectedToServer=e.connected,this.hidesSidebar=e.dockedSidebar==="always_hidden";let n=r?.language!==e.language;(n||r?.locale!==e.locale)&&this.speak(e),(n||r?.connection!==e.connection)&&this.listen()}get hass(){return this.hassNow}connectedCallback(){super.connectedCallback(),this.addEventListener("portshare-dialog",this.changeDialog),this.addEventListener("portshare-tell",this.tell),this.addEventListener("keydown",qi),this.listen()}disconnectedCallback(){super.disconnectedCallback(),this.live?.stop(),this.live=void 0}speak(e){let r=new Be(e.language);this.page={server:this.server,texts:r,format:new Ue(e)},this.lang=r.language}listen(){if(this.live?.stop(),this.live=void 0,!this.isConnected||!this.hassNow)return;let{connection:e,language:r}=this.hassNow;this.live=new je(e,r,this.hear,this.miss),this.live.start()}async loadLog(){try{this.log=(await this.server.log()).entries}catch{}}render(){return this.page?a`
      ${this.header(this.page)}
      <main>
        ${this.isConnectedToServer?p:this.disconnected(this.page)}
        ${this.data?this.view(this.page,this.data):this.absent(this.page)}
      </main>
      ${this.data&&this.dialog?this.openDialog(this.page,this.data,this.dialog):p}
      <div class="told" role="status">${this.told?a`<p>${this.told}</p>`:p}</div>
    `:p}header({texts:e}){let r=a`
      <button
        class="icon-button"
        aria-label=${e.get("menu")}
        title=${e.get("menu")}
        @click=${this.toggleMenu}
      >
        ${k("menu")}
      </button>
    `;return a`
      <header>
        ${this.narrow||this.hidesSidebar?r:p}
        <h1 tabindex="-1">${e.get("title")}</h1>
        <nav aria-label=${e.get("views")}>
          ${Rr.map(n=>a`
              <a
                href=${this.address(n)}
                aria-current=${n===this.viewNow?"page":p}
                @click=${s=>this.go(s,n)}
                >${e.get(`view_${n}`)}</a
              >
            `)}
        </nav>
      </header>
    `}view(e,r){switch(this.viewNow){case"shares":return a`<portshare-shares-view .page=${e} .state=${r}></portshare-shares-view>`;case"log":return a`<portshare-log-view .page=${e} .state=${r} .log=${this.log}>
        </portshare-log-view>`;case"picture":return a`<portshare-picture-view .page=${e} .state=${r}></portshare-picture-view>`}}openDialog(e,{applications:r},n){switch(n.kind){case"share":return a`<portshare-share-dialog
          .page=${e}
          .device=${n.device}
          .share=${n.share}
          .applications=${r}
        ></portshare-share-dialog>`;case"device":return a`<portshare-device-dialog
          .page=${e}
          .device=${n.device}
          .applications=${r}
        ></portshare-device-dialog>`;case"open":return a`<portshare-open-dialog .page=${e} .share=${n.share}>
        </portshare-open-dialog>`;case"question":return a`<portshare-question-dialog .page=${e} .question=${n.question}>
        </portshare-question-dialog>`}}absent({texts:e}){let r=`absent_${this.absence}`;return a`<section class="card absent" role="status"><p>${e.get(r)}</p></section>`}disconnected({texts:e}){return a`<p class="disconnected" role="alert">${e.get("disconnected")}</p>`}get viewNow(){let e=this.route?.path.split("/")[1];return Rr.find(r=>r===e)??"shares"}address(e){let r=this.route?.prefix??"/portshare";return e==="shares"?r:`${r}/${e}`}go(e,r){e.ctrlKey||e.metaKey||e.shiftKey||e.altKey||(e.preventDefault(),history.pushState(null,"",this.address(r)),dispatchEvent(new CustomEvent("location-changed",{detail:{replace:!1}})))}};C.styles=[$,E,Jt],d([h({type:Boolean})],C.prototype,"narrow",2),d([h({attribute:!1})],C.prototype,"route",2),d([g()],C.prototype,"page",2),d([g()],C.prototype,"isConnectedToServer",2),d([g()],C.prototype,"hidesSidebar",2),d([g()],C.prototype,"absence",2),d([g()],C.prototype,"data",2),d([g()],C.prototype,"log",2),d([g()],C.prototype,"dialog",2),d([g()],C.prototype,"told",2),d([S("h1")],C.prototype,"heading",2),C=d([x("portshare-panel")],C);function qi(i){i.composedPath()[0].matches("input, select, textarea")&&i.stopPropagation()}export{C as PortsharePanel};
/*! Bundled license information:

@lit/reactive-element/css-tag.js:
  (**
   * @license
   * Copyright 2019 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

@lit/reactive-element/reactive-element.js:
lit-html/lit-html.js:
lit-element/lit-element.js:
@lit/reactive-element/decorators/custom-element.js:
@lit/reactive-element/decorators/property.js:
@lit/reactive-element/decorators/state.js:
@lit/reactive-element/decorators/event-options.js:
@lit/reactive-element/decorators/base.js:
@lit/reactive-element/decorators/query.js:
@lit/reactive-element/decorators/query-all.js:
@lit/reactive-element/decorators/query-async.js:
@lit/reactive-element/decorators/query-assigned-nodes.js:
lit-html/directive.js:
lit-html/directives/repeat.js:
  (**
   * @license
   * Copyright 2017 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/is-server.js:
  (**
   * @license
   * Copyright 2022 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

@lit/reactive-element/decorators/query-assigned-elements.js:
  (**
   * @license
   * Copyright 2021 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directive-helpers.js:
  (**
   * @license
   * Copyright 2020 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)

lit-html/directives/guard.js:
  (**
   * @license
   * Copyright 2018 Google LLC
   * SPDX-License-Identifier: BSD-3-Clause
   *)
*/
